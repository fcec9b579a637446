"""An augmentation that is one affine map for each image: it says which, and the batch is moved."""

from abc import abstractmethod

from striate.augmentation.augmentation import Movement
from striate.augmentation.maps import Maps
from striate.augmentation.moving import Border
from striate.augmentation.pending import Pending
from striate.images.keyed import Draws


class Geometric(Movement):
    """Gives float32 images in the range of the stored ones; masks, boxes and keypoints move along."""

    border: Border | None = None  # None: it never reads beyond the frame

    @abstractmethod
    def maps(self, frame: tuple[int, int], draws: Draws) -> Maps:
        """Where the points of a frame (height, width) go (N, 3, 3)."""

    def result(self, frame: tuple[int, int]) -> tuple[int, int]:
        """Height and width of what a frame becomes."""
        return frame

    def advance(self, pending: Pending, draws: Draws) -> Pending:
        """The move joined to those before it."""
        frame = pending.frame
        return pending.then(self.maps(frame, draws), border=self.border, size=self.result(frame))
