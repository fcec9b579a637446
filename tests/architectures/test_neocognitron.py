"""The Neocognitron against the equations and the network of Fukushima 1980, in NumPy and by hand."""

import numpy as np
import pytest
import torch

from striate.architectures.catalogue import create_model
from striate.architectures.neocognitron import CCells, SCells
from striate.errors import SizeError

SIDES = (16, 10, 8, 6, 2, 1)  # of the planes of S1, C1, S2, C2, S3, C3


def s_cells(a, b, selectivity=1.5, padding=0):
    """S-cells with given weights a (planes, C, 5, 5) and b (planes,)."""
    cells = SCells(a.shape[1], a.shape[0], selectivity, padding)
    with torch.no_grad():
        cells.excitation.weight.copy_(a.sqrt())
        cells.root_b.copy_(torch.as_tensor(b).sqrt().view(-1, 1, 1))
    return cells


def learnt(pattern, selectivity):
    """A cell after the paper's reinforcement by a pattern (C, 5, 5): a = q c u, b = q/2 v, with a large q."""
    fixed = SCells(len(pattern), 1, selectivity, 0).c[0]
    energy = (fixed * pattern**2).sum().sqrt()
    return s_cells(1e6 * (fixed * pattern)[None], [5e5 * energy], selectivity)


def test_24_planes_of_the_papers_sides():
    network, sides = create_model("neocognitron"), []
    for stage in network.stages:
        for layer in stage:
            layer.register_forward_hook(lambda layer, inputs, maps: sides.append(tuple(maps.shape[1:])))
    assert network(torch.rand(1, 1, 16, 16)).shape == (1, 10)
    assert sides == [(24, side, side) for side in SIDES]
    trained = 24 * (25 + 1) + 2 * 24 * (24 * 25 + 1)  # 5x5 cells of 1, 24 and 24 planes, and one b for each plane
    assert sum(parameter.numel() for parameter in network.stages.parameters()) == trained


def test_an_s_cell_answers_as_the_paper_writes_it():
    chance = np.random.default_rng(0)
    u, a, b, r = chance.random((2, 7, 6)), chance.random((3, 2, 5, 5)), chance.random(3), 1.5
    distance = np.hypot(*(np.mgrid[:5, :5] - 2))
    c = 0.9**distance / (2 * (0.9**distance).sum())
    expected = np.zeros((3, 3, 2))
    for k, y, x in np.ndindex(expected.shape):
        seen = u[:, y : y + 5, x : x + 5]
        v = np.sqrt((c * seen**2).sum())
        expected[k, y, x] = r * max((1 + (a[k] * seen).sum()) / (1 + 2 * r / (1 + r) * b[k] * v) - 1, 0)
    cells = s_cells(torch.tensor(a).float(), torch.tensor(b).float())
    with torch.no_grad():
        given = cells(torch.tensor(u).float()[None])[0].numpy()
    assert cells.c.sum().item() * 2 == pytest.approx(1)
    np.testing.assert_allclose(given, expected, rtol=1e-4)


def test_a_c_cell_answers_as_the_paper_writes_it():
    u = np.random.default_rng(1).random((3, 5, 5))
    d = 0.9 ** np.hypot(*(np.mgrid[:5, :5] - 2))
    pooled = (d * u).sum(axis=(1, 2))
    inner = np.maximum((1 + pooled) / (1 + pooled.mean()) - 1, 0)
    given = CCells(5)(torch.tensor(u).float()[None]).flatten().numpy()
    np.testing.assert_allclose(given, inner / (0.5 + inner), rtol=1e-4)


def test_an_s_cell_whose_inhibition_outweighs_its_excitation_is_silent():
    seen = torch.rand(1, 1, 5, 5)
    assert s_cells(torch.ones(1, 1, 5, 5), [0.0])(seen).item() == pytest.approx(1.5 * seen.sum().item(), rel=1e-5)
    assert s_cells(torch.ones(1, 1, 5, 5), [1e3])(seen).item() == 0


@pytest.mark.parametrize("selectivity", [4.0, 1.5])
def test_a_cell_answers_to_what_is_more_like_its_pattern_than_r_to_1_plus_r(selectivity):
    line, other = torch.zeros(1, 5, 5), torch.zeros(1, 5, 5)
    line[:, 2], other[:, :, 2] = 1, 1
    cell = learnt(line, selectivity)
    c = cell.c[0]
    answers = {}
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        seen = (1 - share) * line + share * other
        likeness = (c * line * seen).sum() / ((c * line**2).sum() * (c * seen**2).sum()).sqrt()
        answers[likeness.item()] = cell(seen[None]).item()
    threshold = selectivity / (1 + selectivity)
    assert {likeness > threshold for likeness in answers} == {True, False}
    for likeness, answer in answers.items():
        assert answer == pytest.approx(max(selectivity * (likeness / threshold - 1), 0), abs=1e-3)
    assert max(answers.values()) == pytest.approx(1, abs=1e-3)  # 1 for its own pattern


def test_a_c_cell_does_not_mind_where_in_its_surroundings_the_stimulus_is():
    cells, answers = CCells(5), []
    for row, column in ((2, 2), (1, 3), (0, 4), (4, 0)):
        stimulus = torch.zeros(1, 24, 5, 7)
        stimulus[:, 0, row, column] = 1e4
        answers.append(cells(stimulus)[0, 0, 0, 0].item())
    assert max(answers) - min(answers) < 0.002  # d falls, but psi saturates
    assert min(answers) > 0.95
    outside = torch.zeros(1, 24, 5, 7)
    outside[:, 0, 2, 5] = 1e4
    assert cells(outside)[0, 0, 0, 0] == 0


def test_planes_that_all_answer_alike_silence_each_other():
    assert not CCells(5)(torch.ones(1, 24, 5, 5)).any()


def test_a_pattern_moved_by_a_cell_of_c2_moves_its_answers_by_one():
    torch.manual_seed(0)
    network, image = create_model("neocognitron", size=64), torch.zeros(1, 1, 64, 64)
    image[..., 28:33, 28:33] = torch.rand(5, 5)
    with torch.no_grad():
        here, moved = (network.stages[:2](torch.roll(image, shift, dims=2)) for shift in (0, 4))
    assert here.any()
    torch.testing.assert_close(moved, torch.roll(here, 1, dims=2))


def test_a_blank_image_has_a_finite_gradient():
    network = create_model("neocognitron")
    network(torch.zeros(1, 1, 16, 16)).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_too_small_an_image_is_refused():
    with pytest.raises(SizeError, match=r"neocognitron cannot take a side of 8 pixels.*use a size of 13 or more"):
        create_model("neocognitron", size=8)
