"""NASNet-A against Zoph et al. 2017, Tables 1 to 3, and timm; and the cells that it shares with AmoebaNet and ENAS."""

from functools import cache

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model
from striate.architectures.cells import OPERATIONS, Cell, Drawing, Maps, fitted

PARAMETERS = {
    "nasnetalarge": 88_753_150,  # timm 1.0.31
    "nasnetamobile": 5_289_978,  # pretrained-models.pytorch, its nasnetamobile; Table 3 has 5.3 million
    "nasnet_a_6_768": 3_346_538,  # Table 1 has 3.3 million
}
MULTIPLIES = {"nasnetalarge": (23.8e9, 0.05e9), "nasnetamobile": (564e6, 0.5e6)}  # Tables 2 and 3
MAPS = {  # figure 2, from 331, 224 and 32 pixels
    "nasnetalarge": [(96, 165), (168, 83), (1008, 42), (2016, 21), (4032, 11)],
    "nasnetamobile": [(32, 111), (44, 56), (264, 28), (528, 14), (1056, 7)],
    "nasnet_a_6_768": [(96, 32), (192, 32), (384, 16), (768, 8)],
}
SEARCHED = [name for name in CATALOGUE if name.startswith(("nasnet", "amoebanet", "enas"))]


@cache
def on_meta(name):
    with torch.device("meta"):
        return create_model(name).eval()


def images(name):
    return torch.empty(1, 3, *CATALOGUE[name].size, device="meta")


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_parameters_are_the_published_ones(name):
    assert sum(parameter.numel() for parameter in on_meta(name).parameters()) == PARAMETERS[name]


def test_with_the_running_averages_the_large_network_has_the_88_9_million_of_table_2():
    """Keras counts them too: 88,949,818 in its NASNetLarge."""
    assert sum(value.numel() for value in on_meta("nasnetalarge").state_dict().values() if value.dim()) == 88_949_818


@pytest.mark.parametrize("name", MULTIPLIES)
def test_the_multiplies_are_the_papers(name):
    published, rounded = MULTIPLIES[name]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(name)(images(name))
    assert counter.get_total_flops() / 2 == pytest.approx(published, abs=rounded)


@pytest.mark.parametrize("name", MAPS)
def test_each_stage_doubles_the_maps_and_halves_the_sides_until_the_channels_of_its_name(name):
    with torch.no_grad():
        assert [(maps.shape[1], maps.shape[2]) for maps in on_meta(name).maps(images(name)).values()] == MAPS[name]


@pytest.mark.parametrize("name", SEARCHED)
def test_a_state_that_no_operation_looks_at_is_in_the_output(name):
    """Real et al. 2018: "any hidden states that remain unused are concatenated to form the output of the cell"."""
    cells = {module.drawing for module in on_meta(name).modules() if isinstance(module, Cell)}
    assert len(cells) == 2
    for drawing in cells:
        looked_at = {state for _, one, _, other in drawing.rows for state in (one, other)}
        assert set(range(7)) - looked_at <= set(drawing.output)
        assert all(state < number for number, row in enumerate(drawing.rows, start=2) for state in row[1::2])


def test_a_cell_adds_what_its_drawing_says_and_stacks_it_in_that_order():
    torch.manual_seed(0)
    drawing = Drawing((("identity", 0, "identity", 1), ("identity", 2, "maximum 3x3", 0)), output=(3, 0, 2))
    cell = Cell(drawing, Maps(4, 0), Maps(3, 0), filters=4, stride=1, twice=False, bridged=False).eval()
    before, last = torch.randn(1, 4, 5, 5), torch.randn(1, 3, 5, 5)
    with torch.no_grad():
        handed_on, given = cell((before, last))
        two = before + cell.direct(last)
        three = two + nn.functional.max_pool2d(before, 3, 1, padding=1)
    assert handed_on is last
    torch.testing.assert_close(given, torch.cat([three, before, two], dim=1))


def test_after_a_bridged_cell_the_next_sees_what_it_has_seen():
    drawing = Drawing((("identity", 0, "identity", 1),), output=(2,))
    cell = Cell(drawing, Maps(2, 0), Maps(2, 0), filters=2, stride=2, twice=False, bridged=True)
    before = torch.ones(2, 2, 4, 4)
    assert cell((before, torch.zeros(2, 2, 4, 4)))[0] is before


def test_halved_maps_come_from_every_second_pixel_and_from_those_one_further():
    half = fitted(1, 2, stride=2).eval()
    for convolution in (layer for layer in half.modules() if isinstance(layer, nn.Conv2d)):
        nn.init.ones_(convolution.weight)
    half.path_bn.eps = 0.0
    even, odd = half(torch.arange(16.0).view(1, 1, 4, 4))[0].tolist()
    assert even == [[0, 2], [8, 10]]
    assert odd == [[5, 7], [13, 15]]


@pytest.mark.parametrize(("side", "expected"), [(4, [[10, 11], [14, 15]]), (3, [[4, 5], [7, 8]])])
def test_windows_with_stride_2_begin_as_tensorflows(side, expected):
    """Of an even side the first window begins at the first value, of an odd one before it."""
    values = torch.arange(float(side**2)).view(1, 1, side, side)
    assert OPERATIONS["maximum 3x3"](1, 1, 2)(values)[0, 0].tolist() == expected


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("side", [7, 8])
def test_an_operation_gives_its_filters_and_halves_a_side_upwards(operation, side):
    maps = torch.empty(1, 6, side, side + 1, device="meta")
    with torch.device("meta"):
        assert OPERATIONS[operation](6, 8, 1).eval()(maps).shape == (1, 8, side, side + 1)
        assert OPERATIONS[operation](6, 8, 2).eval()(maps).shape == (1, 8, 4, (side + 2) // 2)
