"""Mirror images: left and right exchanged, or top and bottom.

out(x, y) = in(W - 1 - x, y) with probability `horizontal`; then out(x, y) = in(x, H - 1 - y) with `vertical`.
Left for right is the oldest augmentation of all (Krizhevsky et al. 2012, section 4.1); not for digits and letters.
Keypoints move, but keep their order: the left eye of a mirrored face is still the first if it was the first.
"""

from dataclasses import dataclass

from striate.augmentation.geometric import Geometric
from striate.augmentation.knobs import expect_number
from striate.augmentation.maps import Maps, mirrored_maps
from striate.augmentation.pending import Pending, mirror_views
from striate.augmentation.sliding import Chosen
from striate.images.keyed import Draws


@dataclass(frozen=True)
class Flip(Geometric):
    """The probabilities of the two mirrors. Integers stay integers, and every pixel keeps its value."""

    horizontal: float = 0.5
    vertical: float = 0.0

    def __post_init__(self) -> None:
        expect_number("the flip's horizontal probability", self.horizontal, 0, 1)
        expect_number("the flip's vertical probability", self.vertical, 0, 1)

    def maps(self, frame: tuple[int, int], draws: Draws) -> Maps:
        """-1 in the direction that is mirrored, about the middle."""
        across, down = self._drawn(draws)
        return mirrored_maps(down, frame, axis=-2) @ mirrored_maps(across, frame)

    def advance(self, pending: Pending, draws: Draws) -> Pending:
        """Joined to moves that are pending; else left to right pends, for a shift to do in its own copy."""
        if pending.maps is not None:
            return super().advance(pending, draws)
        across, down = self._drawn(draws)
        return Pending(mirror_views(pending.settle(), down, axis=-2), mirrored=across)

    def _drawn(self, draws: Draws) -> tuple[Chosen, Chosen]:
        """Which images are mirrored each way (N,)."""
        chances = draws.uniform("flip", 2).numpy()  # (N, 2)
        return chances[:, 0] < self.horizontal, chances[:, 1] < self.vertical
