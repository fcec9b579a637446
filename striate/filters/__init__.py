"""Filters made by hand, and the classic operations of computer vision, on one image."""
