"""Look at a data set before training: one pass makes a `Survey`, pure functions make `Finding`s of it."""
