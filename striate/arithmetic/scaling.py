"""How large to make a network: depth, width and resolution together, channels in steps, groups for width.

Sources: Tan, Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019, arXiv:1905.11946,
equation 3: depth α^φ, width β^φ, resolution γ^φ with α·β²·γ² ≈ 2, so that multiplies about double with each φ; steps of
8 channels as in its authors' code. Xie et al., "Aggregated residual transformations for deep neural networks", 2016,
arXiv:1611.05431, section 3.3 and Table 2.
Letters: C groups ("cardinality"), d the width of one.
"""

from math import ceil, sqrt
from typing import NamedTuple

ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15  # of depth, width, resolution; found by trial on EfficientNet-B0


class Scaling(NamedTuple):
    """A number for each way to enlarge a network: in layers, in channels, in pixels of a side."""

    depth: float
    width: float
    resolution: float

    @property
    def multiplies(self) -> float:
        """Of factors: what the multiplies grow by if nothing is rounded, depth · width² · resolution²."""
        return self.depth * self.width**2 * self.resolution**2


def compound(phi: float) -> Scaling:
    """Depth α^φ, width β^φ and resolution γ^φ.

    >>> compound(0), round(compound(1).multiplies, 2)
    (Scaling(depth=1.0, width=1.0, resolution=1.0), 1.92)
    """
    return Scaling(ALPHA**phi, BETA**phi, GAMMA**phi)


def rounded_channels(channels: float, step: int = 8) -> int:
    """The multiple of `step` that is nearest, or the next above where that is less than 90 %; at least one step.

    >>> rounded_channels(32 * 1.4), rounded_channels(11), rounded_channels(3)
    (48, 16, 8)
    """
    nearest = max(step, int(channels + step / 2) // step * step)
    return nearest + step if nearest < 0.9 * channels else nearest


def rounded_repeats(repeats: float) -> int:
    """Whole blocks, a part of one counted as one.

    >>> rounded_repeats(3 * 1.4), rounded_repeats(4 * 1.0)
    (5, 4)
    """
    return ceil(repeats)


def rounded_side(side: float) -> int:
    """The nearest multiple of 4 pixels, as the published sides are.

    >>> rounded_side(224 * compound(0.5).resolution)  # EfficientNet-B1's
    240
    """
    return 4 * round(side / 4)


def bottleneck_weights(cardinality: int, width: int, *, channels: int = 256) -> int:
    """Weights of a ResNeXt block from `channels` to as many: C·(256·d + 3·3·d·d + d·256).

    >>> bottleneck_weights(1, 64), bottleneck_weights(32, 4)  # ResNet's and ResNeXt's
    (69632, 70144)
    """
    return cardinality * (2 * channels * width + 9 * width**2)


def bottleneck_width(cardinality: int, *, channels: int = 256, weights: int = 69_632) -> int:
    """The width d of each of C groups for which a block has the weights of ResNet's, as nearly as a whole number can.

    >>> [bottleneck_width(cardinality) for cardinality in (1, 2, 4, 8, 32)]  # Table 2
    [64, 40, 24, 14, 4]
    """
    return round((sqrt(channels**2 + 9 * weights / cardinality) - channels) / 9)
