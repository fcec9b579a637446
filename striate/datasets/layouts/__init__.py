"""One file for each way in which people lay out images: each reads it into a `Dataset`, some write it too."""
