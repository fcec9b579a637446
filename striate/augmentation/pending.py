"""Moves that follow each other are one move: the maps are multiplied first, and the images are read once.

Reading them once keeps them as sharp as one move does and costs what one move costs. Where the middle move would have
shown a border, the one map shows what really lies there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from striate.augmentation.maps import Maps, mirrored_maps, unmoved
from striate.augmentation.moving import Border, move_boxes, move_images, move_keypoints, move_masks
from striate.augmentation.sliding import Chosen, mirror
from striate.augmentation.views import Views, bits, floats


@dataclass(frozen=True)
class Pending:
    """Views, and the moves that are still to be done."""

    views: Views
    maps: Maps | None = None  # (N, 3, 3); None: no move so far
    size: tuple[int, int] = (0, 0)  # of the result, once there is a move
    border: Border | None = None  # None: no move so far reads beyond the frame
    mirrored: Chosen | None = None  # (N,) still to be mirrored from left to right; then there are no maps

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width as the next move meets them."""
        return self.views.size if self.maps is None else self.size

    def then(self, maps: Maps, *, border: Border | None, size: tuple[int, int] | None = None) -> "Pending":
        """One more move; those before it are done first if they have another border, or are a mirror alone."""
        if self.mirrored is not None or (border and self.border and border != self.border):
            return Pending(self.settle()).then(maps, border=border, size=size)
        joined = maps if self.maps is None else maps @ self.maps
        return Pending(self.views, joined, size or self.frame, border or self.border)

    def settle(self) -> Views:
        """All moves done."""
        if self.mirrored is not None:
            return mirror_views(self.views, self.mirrored, axis=-1)
        if self.maps is None:
            return self.views
        return self.settle_some(torch.ones(len(self.views), dtype=torch.bool)).views

    def settle_some(self, chosen: Tensor) -> "Pending":
        """The moves of the images that are `chosen` (N,) done, the others' still to be; all images in float32.

        An image without a move stays exactly as it is. A change of size is done for all.
        """
        if self.maps is None:
            return Pending(self.settle())
        views = replace(self.views, images=floats(self.views.images))
        if self.size != views.size:
            return Pending(_moved(views, self.maps, self))
        moves = (self.maps != unmoved(1)).flatten(1).any(1) & chosen
        if moves.all():
            return Pending(_moved(views, self.maps, self))
        places = moves.nonzero()[:, 0]  # (M,)
        views = _put(views, places, _moved(views.at(places), self.maps[places], self))
        left = torch.where(moves[:, None, None], unmoved(1), self.maps)
        return replace(self, views=views, maps=left)


def mirror_views(views: Views, chosen: Chosen, *, axis: int) -> Views:
    """Those that are `chosen` (N,) mirrored along an axis, -1 from left to right, -2 upside down; integers stay so."""
    if not chosen.any():
        return views
    images = mirror(bits(views.images), chosen, axis).view(views.images.dtype)
    masks = None if views.masks is None else mirror(views.masks, chosen, axis)
    return move_points(replace(views, images=images, masks=masks), lambda: mirrored_maps(chosen, views.size, axis))


def move_points(views: Views, maps: Callable[[], Maps]) -> Views:
    """Boxes and keypoints under maps, which are made only if there are any; images and masks have moved already."""
    boxes, keypoints, size = views.boxes, views.keypoints, views.size
    if boxes is None and keypoints is None:
        return views
    made = maps()
    return replace(
        views,
        boxes=None if boxes is None else move_boxes(boxes, made, size),
        keypoints=None if keypoints is None else move_keypoints(keypoints, made, size),
    )


def _moved(views: Views, maps: Maps, move: Pending) -> Views:
    """Everything under its map, into the move's frame."""
    images = move_images(views.images, maps, move.size, move.border or "edge").clamp_(0, views.white)
    masks = None if views.masks is None else move_masks(views.masks, maps, move.size)
    return move_points(replace(views, images=images, masks=masks), lambda: maps)


def _put(views: Views, places: Tensor, moved: Views) -> Views:
    """The views with those that moved at their places (M,)."""

    def put(known: Tensor | None, fresh: Tensor | None) -> Tensor | None:
        return None if known is None or fresh is None else known.index_copy(0, places.to(known.device), fresh)

    return replace(
        views,
        images=views.images.index_copy(0, places.to(views.images.device), moved.images),
        masks=put(views.masks, moved.masks),
        boxes=put(views.boxes, moved.boxes),
        keypoints=put(views.keypoints, moved.keypoints),
    )
