"""What every augmentation is: a change to a whole batch, whose chances come from a key."""

from abc import ABC, abstractmethod
from typing import Protocol

from striate.augmentation.pending import Pending
from striate.augmentation.views import Views
from striate.images.keyed import Draws


class Augmentation(Protocol):
    """A frozen dataclass of knobs.

    What happens to an image depends on `draws` for it and on the knobs alone, not on the images beside it; but mixup
    and cutmix take a partner from the same batch.
    """

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch, changed; `draws` are for the same images in the same order."""


class Movement(ABC):
    """An augmentation that can leave its moves to be done later, as one with those that follow."""

    @abstractmethod
    def advance(self, pending: Pending, draws: Draws) -> Pending:
        """The same as `apply`, with moves still to be done before and after."""

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch, moved."""
        return self.advance(Pending(views), draws).settle()
