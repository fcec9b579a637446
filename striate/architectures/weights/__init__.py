"""The weights of others: files of any make, fitted to a network under its own names, and told what was done."""
