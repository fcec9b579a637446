"""A corner that gives the class away is found, and covering it is what costs the accuracy."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from striate.explain.bias import CELLS, class_heat


def _images(count, generator):
    """A blob somewhere, of either class; that of class 1 has a bright corner."""
    targets = torch.arange(count) % 2
    images = 0.3 * torch.randn(count, 1, 32, 32, generator=generator)
    for image, target in zip(images, targets, strict=True):
        row, column = torch.randint(8, 18, (2,), generator=generator).tolist()
        image[0, row : row + 7, column : column + 7] += 1
        if target == 1:
            image[0, :4, :4] = 3
    return images, targets


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    images, targets = _images(256, generator)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 144, 2)
    )
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        functional.cross_entropy(network(images), targets).backward()
        optimizer.step()
    shown, shown_targets = _images(64, generator)
    parts = list(zip(shown.split(16), shown_targets.split(16), strict=True))
    return class_heat(network, lambda: parts, ("plain", "marked", "never shown"))


def test_the_planted_corner_is_the_hottest_cell_and_suspect(found):
    marked = found[1]
    assert marked.label == "marked" and marked.n == 32
    assert marked.cell == (0, 0) and marked.suspect
    assert marked.times > 3 and marked.steady > 0.9, (marked.times, marked.steady)


def test_covering_the_corner_takes_the_accuracy_away(found):
    assert found[1].right == 32
    assert found[1].fall > 50


def test_a_class_that_is_never_shown_is_left_out(found):
    assert [one.label for one in found] == ["plain", "marked"]


def test_the_heat_of_a_class_adds_up_to_one(found):
    for one in found:
        assert one.heat.shape == (CELLS, CELLS)
        torch.testing.assert_close(one.heat.sum(), torch.tensor(1.0))


def test_shares_of_the_heat_by_hand():
    """A linear network's saliency is its weights: here all in the last cell of each way."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(16 * 16, 2))
    with torch.no_grad():
        network[1].weight.zero_()
        network[1].weight.view(2, 16, 16)[:, -1, -1] = torch.tensor([1.0, -1.0])
        network[1].bias.zero_()
    images = torch.ones(4, 1, 16, 16)
    (own,) = class_heat(network, lambda: [(images, torch.zeros(4, dtype=torch.int64))], ("on", "off"))
    assert own.cell == (7, 7) and own.times == 64 and own.steady == 1
    assert own.right == 4
    assert own.right_covered == 4, "two equal scores are the first class"
