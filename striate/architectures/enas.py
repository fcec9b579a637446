"""ENAS: the cell found in half a day on one graphics card, since all cells that are tried share their weights.

Source: Pham, Guan, Zoph, Le, Dean, "Efficient neural architecture search via parameter sharing", 2018,
arXiv:1802.03268, section 2.4 and Table 2, the micro search space; the cells and 36 filters are those of the authors'
code (melodyguan/enas, scripts/cifar10_micro_final.sh). 4.6M parameters. Sides from 32: 32, 32, 16, 8.

Where we differ, and why: as `cells` says. Both inputs of a cell pass a 1x1, and the last cell's maps one more, as in
the authors' code. Its script stacks N = 5 normal cells, which would have 3.9M parameters; we stack 6, as NASNet does,
which have the published count. Cells that others read from the paper's figure 8 are not these, and smaller.
The network of the macro search space (21.3M) is left out.
"""

from functools import partial

from striate.architectures.architecture import Accuracy, Paper
from striate.architectures.cells import Drawing, entry, searched

CELLS = {
    "normal": Drawing(
        (
            ("average 3x3", 0, "separable 3x3", 0),
            ("identity", 0, "separable 5x5", 0),
            ("identity", 0, "separable 5x5", 1),
            ("separable 3x3", 1, "separable 5x5", 0),
            ("average 3x3", 0, "separable 5x5", 1),
        ),
        output=(2, 3, 4, 5, 6),
    ),
    "reduction": Drawing(
        (
            ("separable 3x3", 1, "separable 3x3", 1),
            ("maximum 3x3", 0, "average 3x3", 0),
            ("separable 5x5", 1, "separable 5x5", 3),
            ("separable 3x3", 1, "identity", 0),
            ("maximum 3x3", 0, "separable 5x5", 1),
        ),
        output=(2, 4, 5, 6),
    ),
}

NETWORKS = {
    "enas_micro": entry(
        partial(searched, cells=CELLS, repeats=6, filters=36, twice=True, dropout=0.2),
        Paper("Pham et al.", 2018, "Efficient neural architecture search via parameter sharing", "arXiv:1802.03268"),
        32,
        note="micro search space",
        accuracy=Accuracy(97.11, "Pham et al. 2018, Table 2, with CutOut", data="CIFAR-10"),
    )
}
