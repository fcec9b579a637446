"""AmoebaNet-A: the cell that evolution found among those from which NASNet's was drawn.

Source: Real, Aggarwal, Huang, Le, "Regularized evolution for image classifier architecture search", 2018,
arXiv:1802.01548, figure 5, Tables 1 and 2; names are of N and of the filters F. Parameters: 86.7M (6, 190), 469M (6,
448; here 468.2M, 468.6M with running averages), 5.1M (4, 50); for CIFAR-10 2.6M (6, 32), 3.2M (6, 36). Sides from 331:
165, 83, 42, 21, 11.

Where we differ, and why: as `cells` says. Which states are stacked is as in the authors' code (TensorFlow's tpu,
models/official/amoeba_net): the normal cell hands its state 0 on, and the reduction cell all that it makes. The counts
agree; with the unused states alone, as the text has it, they would be an eighth lower. The 104B multiplies that the
paper gives (6, 448) are those from 299 pixels (103.9B); from its 331 they are 126.5B.
"""

from functools import partial

from striate.architectures.architecture import Accuracy, Architecture, Paper
from striate.architectures.cells import Drawing, entry, searched

CELLS = {
    "normal": Drawing(
        (
            ("average 3x3", 1, "maximum 3x3", 1),
            ("separable 3x3", 0, "identity", 0),
            ("identity", 1, "average 3x3", 0),
            ("separable 3x3", 1, "separable 5x5", 2),
            ("average 3x3", 5, "separable 3x3", 1),
        ),
        output=(0, 3, 4, 6),
    ),
    "reduction": Drawing(
        (
            ("separable 3x3", 0, "average 3x3", 1),
            ("maximum 3x3", 1, "separable 7x7", 2),
            ("maximum 3x3", 0, "maximum 3x3", 1),
            ("separable 3x3", 4, "1x7 then 7x1", 1),
            ("average 3x3", 0, "separable 7x7", 1),
        ),
        output=(2, 3, 4, 5, 6),
    ),
}
_PAPER = Paper(
    "Real et al.", 2018, "Regularized evolution for image classifier architecture search", "arXiv:1802.01548"
)


def _amoebanet(repeats: int, filters: int, top1: float, source: str, side: int = 331) -> Architecture:
    small = side == 32
    stem, dropout = (0, 0.0) if small else (32, 0.5)
    return entry(
        partial(searched, cells=CELLS, repeats=repeats, filters=filters, stem=stem, dropout=dropout),
        _PAPER,
        side,
        note=f"AmoebaNet-A (N = {repeats}, F = {filters})",
        accuracy=Accuracy(top1, source, data="CIFAR-10" if small else "ImageNet"),
    )


NETWORKS = {
    "amoebanet_a_6_190": _amoebanet(6, 190, 82.8, "Real et al. 2018, Table 2, one crop of 331"),
    "amoebanet_a_6_448": _amoebanet(6, 448, 83.9, "Real et al. 2018, Table 2, one crop of 331"),
    "amoebanet_a_4_50": _amoebanet(4, 50, 74.5, "Real et al. 2018 by Liu et al. 2018, DARTS, Table 3", side=224),
    "amoebanet_a_6_32": _amoebanet(6, 32, 96.60, "Real et al. 2018, Table 1, mean", side=32),
    "amoebanet_a_6_36": _amoebanet(6, 36, 96.66, "Real et al. 2018, Table 1, mean", side=32),
}
