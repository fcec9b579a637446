"""NASNet-A: the cell that a recurrent network drew, rewarded by the accuracy on CIFAR-10 of what it drew.

Source: Zoph, Vasudevan, Shlens, Le, "Learning transferable architectures for scalable image recognition", 2017,
arXiv:1707.07012, figure 4, Tables 1 to 3; names are of N and of the channels before the last layer, 24 times the
filters. 88.9M parameters at 6 @ 4032, which counts running averages, 5.3M at 4 @ 1056, 3.3M at 6 @ 768. Sides from 331:
165, 83, 42, 21, 11; from 224: 111, 56, 28, 14, 7; from 32: 32, 32, 16, 8. Published weights expect values from -1 to 1.

Where we differ, and why: as `cells` says. In `nasnetalarge` the cell after a reduction cell sees for its state 0 what
that cell has seen for its own, as in the authors' code and in timm.
"""

from functools import partial

from striate.architectures.architecture import HALF, Accuracy, Paper, timm
from striate.architectures.cells import Drawing, entry, searched
from striate.architectures.names import renamed

CELLS = {
    "normal": Drawing(
        (
            ("separable 5x5", 1, "separable 3x3", 0),
            ("separable 5x5", 0, "separable 3x3", 0),
            ("average 3x3", 1, "identity", 0),
            ("average 3x3", 0, "average 3x3", 0),
            ("separable 3x3", 1, "identity", 1),
        ),
        output=(0, 2, 3, 4, 5, 6),
    ),
    "reduction": Drawing(
        (
            ("separable 5x5", 1, "separable 7x7", 0),
            ("maximum 3x3", 1, "separable 7x7", 0),
            ("average 3x3", 1, "separable 5x5", 0),
            ("identity", 3, "average 3x3", 2),
            ("separable 3x3", 2, "maximum 3x3", 1),
        ),
        output=(3, 4, 5, 6),
    ),
}
_TIMM = renamed(
    (r"^stem", "conv0"),
    (r"^head\.fc", "last_linear"),
    (r"^stage\d\.", ""),
    (r"^normal_", "cell_"),
    (r"^reduction_([01])", r"cell_stem_\1"),
    (r"^reduction_2", "reduction_cell_0"),
    (r"^reduction_3", "reduction_cell_1"),
    (r"\.skip\.(?:paths\.)?(path_)", r".\1"),
    (r"\.path_bn", ".final_path_bn"),
    (r"\.skip\.", ".conv_prev_1x1."),
    (r"\.direct\.", ".conv_1x1."),
    (r"\.(left|right)\.(\d)\.", r".comb_iter_\2_\1."),
    (r"(depth|point)wise(\d)(?:\.conv)?", r"separable_\2.\1wise_conv2d"),
    (r"(left|right)\.bn(\d)", r"\1.bn_sep_\2"),
)
_PAPER = Paper(
    "Zoph et al.", 2017, "Learning transferable architectures for scalable image recognition", "arXiv:1707.07012"
)
_nasnet = partial(searched, cells=CELLS)

NETWORKS = {
    "nasnetalarge": entry(
        partial(_nasnet, repeats=6, filters=168, stem=96, bridged=True, dropout=0.5),
        _PAPER,
        331,
        note="NASNet-A (6 @ 4032)",
        accuracy=timm(82.638, "nasnetalarge.tf_in1k", size=331),
        names={"timm": _TIMM},
        mean=HALF,
        std=HALF,
    ),
    "nasnetamobile": entry(
        partial(_nasnet, repeats=4, filters=44, stem=32, dropout=0.5),
        _PAPER,
        224,
        note="NASNet-A (4 @ 1056)",
        accuracy=Accuracy(74.0, "Zoph et al. 2017, Table 3, one crop of 224"),
    ),
    "nasnet_a_6_768": entry(
        partial(_nasnet, repeats=6, filters=32),
        _PAPER,
        32,
        note="NASNet-A (6 @ 768)",
        accuracy=Accuracy(96.59, "Zoph et al. 2017, Table 1, mean of five runs", data="CIFAR-10"),
    ),
}
