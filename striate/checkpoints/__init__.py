"""A trained network with everything needed to use it, in one file; written whole or not at all."""
