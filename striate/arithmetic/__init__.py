"""The arithmetic of a network on plain integers: no torch, no numpy.

Letters: W input length, F window, S stride, P padding, C channels, K outputs.
"""
