"""From whatever layout people have to one `Dataset`: names, targets, parts, and a way to the pixels.

Letters: N images, M boxes or tags, K classes.
"""
