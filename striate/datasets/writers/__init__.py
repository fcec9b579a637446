"""One file for each format into which a data set can be written; each also says what it cannot hold."""
