"""Networks as their papers give them: one file per family, a catalogue, the same questions answered by all.

Letters: N images, C channels, H height, W width, K classes.
"""
