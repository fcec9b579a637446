"""ENAS against Pham et al. 2018, Table 2, and the architecture of their code."""

import torch
from torch import nn

from striate.architectures.catalogue import create_model
from striate.architectures.enas import CELLS

PUBLISHED = (  # melodyguan/enas, scripts/cifar10_micro_final.sh: state, operation, state, operation for each row
    "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1",
    "1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1",
)
OPERATIONS = ("separable 3x3", "separable 5x5", "average 3x3", "maximum 3x3", "identity")  # their README, by number


def on_meta():
    with torch.device("meta"):
        return create_model("enas_micro").eval()


def test_the_cells_are_those_that_the_authors_train():
    for kind, text in zip(("normal", "reduction"), PUBLISHED, strict=True):
        numbers = torch.tensor([int(number) for number in text.split()]).view(5, 4).tolist()
        rows = [(OPERATIONS[left], one, OPERATIONS[right], other) for one, left, other, right in numbers]
        assert list(CELLS[kind].rows) == rows
        looked_at = {state for _, one, _, other in rows for state in (one, other)}
        assert CELLS[kind].output == tuple(sorted(set(range(7)) - looked_at))


def test_there_are_4_6_million_parameters_as_in_table_2():
    parameters = sum(parameter.numel() for parameter in on_meta().parameters())
    assert parameters == 4_587_382
    assert round(parameters / 1e6, 1) == 4.6


def test_the_last_cells_maps_pass_a_1x1_twice():
    cell = on_meta().stage2.normal_6
    widths = [
        (layer.in_channels, layer.out_channels) for layer in cell.direct.modules() if isinstance(layer, nn.Conv2d)
    ]
    assert widths == [(4 * 72, 72), (72, 72)]
