"""The receptive field, followed from tensor to tensor through every operation of a network."""
