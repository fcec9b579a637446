"""A batch as augmentation sees it: images with all that must move, be cut or be mixed along with them."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Views:
    """N images and what is known of them; what is not known is None. Floats are in the units of the stored integers.

    What moves out of the frame is clipped or becomes NaN: a box of which nothing is left, a keypoint outside.
    """

    images: Tensor  # (N, C, H, W) uint8 or uint16, or float32 with the same black and white
    white: float  # 255 or 65535
    targets: Tensor | None = None  # (N,) class numbers, or (N, K) shares of each class once images are mixed
    masks: Tensor | None = None  # (N, H, W) uint8 class numbers, 255 where a pixel does not count
    boxes: Tensor | None = None  # (N, B, 4) left, top, right, bottom in pixels; NaN where an image has fewer
    keypoints: Tensor | None = None  # (N, P, 2) x, y in pixels; NaN where there is none
