"""From image files to batches: read upright and right, resize with antialiasing, divide, shuffle, vary.

Letters: N images, C channels (1 grey, 3 colour), H height, W width.
"""
