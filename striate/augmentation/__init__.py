"""What training images undergo, a whole batch at a time on its device: one file for each way, each with its picture.

Letters: N images, C channels, H height, W width, K classes, B boxes, P keypoints.
"""
