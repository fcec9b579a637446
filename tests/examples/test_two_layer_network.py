import runpy
import sys
from pathlib import Path

import numpy as np

EXAMPLE = Path(__file__).parents[2] / "examples" / "two_layer_network.py"


def lectures_program(steps):
    """D0's twenty lines as they stand, but for the seed and that the losses are kept."""
    randn = np.random.default_rng(0).standard_normal
    x, w1 = randn((64, 1000)), randn((100, 1000)).T
    w2, y = randn((10, 100)).T, randn((64, 10))
    losses = []
    for _ in range(steps):
        h = 1 / (1 + np.exp(-x.dot(w1)))
        y_pred = h.dot(w2)
        loss = np.square(y_pred - y).sum()
        losses.append(loss)
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h.T.dot(grad_y_pred)
        grad_h = grad_y_pred.dot(w2.T)
        grad_w1 = x.T.dot(grad_h * h * (1 - h))
        w1 = w1 - 1e-4 * grad_w1
        w2 = w2 - 1e-4 * grad_w2
    return losses


def test_the_two_layers_lose_what_the_lectures_program_loses_step_by_step(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), "50"])
    losses = runpy.run_path(str(EXAMPLE))["losses"]
    assert len(losses) == 50
    assert losses[-1] < losses[0] / 4
    np.testing.assert_allclose(losses, lectures_program(50), rtol=1e-9)


def test_the_two_layers_take_at_most_25_lines():
    assert len(EXAMPLE.read_text().splitlines()) <= 25
