"""Activation maximisation: steps and terms worked by hand or by NumPy; what is asked of any network."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from striate.errors import SettingsError, SizeError, UnknownNameError
from striate.explain.canvas import Limits, Spectrum, shaken, stepped, total_variation
from striate.explain.maximisation import Ascent, maximise
from striate.explain.neuron import Neuron

_GREY = Limits(torch.tensor([-1.0]), torch.tensor([1.0]))
_COLOUR = Limits(torch.full((3,), -2.0), torch.full((3,), 2.0))
_STILL = {"shift": 0.0, "zoom": 0.0, "turn": 0.0}


def _network() -> nn.Sequential:
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5)
    ).eval()


def _linear(weights: list[float]) -> nn.Sequential:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    network[1].weight = nn.Parameter(torch.tensor([weights]))
    return network


def _noise(seed: int) -> Tensor:
    return 0.5 + 0.01 * torch.randn((1, 1, 2, 2), generator=torch.Generator().manual_seed(seed))


def test_one_step_on_pixels_is_as_worked_by_hand() -> None:
    # the score is linear: its gradient is the weights, whose mean size is 2; the rate is 0.1
    how = Ascent(steps=1, plain=True, rate=0.1, seed=6, **_STILL)
    made = maximise(_linear([1.0, -2.0, 4.0, 1.0]), [0], (2, 2), _GREY, how=how)
    expected = _noise(6) + torch.tensor([[[[0.05, -0.1], [0.2, 0.05]]]])
    torch.testing.assert_close(made, 2 * expected - 1)


def test_the_penalty_of_size_pulls_towards_grey() -> None:
    # of λ mean(I²), I = 2 canvas − 1, the gradient is λ · 2 I · 2 / 4; with no other weight it alone is followed
    how = Ascent(steps=1, plain=True, rate=0.001, l2=3.0, seed=6, **_STILL)
    made = maximise(_linear([0.0, 0.0, 0.0, 0.0]), [0], (2, 2), _GREY, how=how)
    image = 2 * _noise(6) - 1
    torch.testing.assert_close(made, image - 2 * 0.001 * image / image.abs().mean())


def test_total_variation_is_that_of_numpy() -> None:
    canvas = torch.rand((2, 3, 5, 7), generator=torch.Generator().manual_seed(1))
    values = canvas.numpy()
    expected = [
        (np.square(np.diff(image, axis=1)).sum() + np.square(np.diff(image, axis=2)).sum()) / image.size
        for image in values
    ]
    np.testing.assert_allclose(total_variation(canvas).numpy(), expected, rtol=1e-5)


def test_each_image_steps_by_its_own_mean() -> None:
    gradient = torch.tensor([[1.0, -3.0], [100.0, 300.0]]).view(2, 1, 1, 2)
    moved = stepped(torch.zeros(2, 1, 1, 2), gradient, 0.2)
    torch.testing.assert_close(moved.flatten(1), torch.tensor([[0.1, -0.3], [0.1, 0.3]]))


def test_a_flat_gradient_moves_nothing() -> None:
    assert torch.equal(stepped(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), 0.2), torch.ones(1, 1, 2, 2))


@pytest.mark.parametrize("size", [(6, 8), (5, 7)])
def test_frequencies_become_the_pixels_that_numpy_makes(size: tuple[int, int]) -> None:
    height, width = size
    spectrum = Spectrum((1, 1, height, width), torch.Generator().manual_seed(2))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    scale = np.sqrt(height * width) / (4 * np.maximum(frequency, 1 / max(size)))
    waves = spectrum.values.double().numpy()
    pixels = np.fft.irfft2((waves[0, 0, ..., 0] + 1j * waves[0, 0, ..., 1]) * scale, s=size)
    np.testing.assert_allclose(spectrum.canvas()[0, 0].numpy(), 1 / (1 + np.exp(-pixels)), atol=1e-5)


def test_an_image_that_is_not_shaken_stays_and_a_flat_one_stays_flat() -> None:
    chance = torch.Generator().manual_seed(0)
    canvas = torch.rand(2, 3, 9, 12)
    assert torch.equal(shaken(canvas, chance, shift=0, scale=0, turn=0), canvas)
    flat = shaken(torch.full((1, 3, 9, 12), 0.3), chance, shift=0.2, scale=0.2, turn=20)
    torch.testing.assert_close(flat, torch.full((1, 3, 9, 12), 0.3))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("aim", [3, Neuron("0", 2), Neuron("0", 2, (4, 5))])
def test_what_is_aimed_at_rises(plain: bool, aim: Neuron | int) -> None:
    network = _network()
    start = torch.zeros(1, 3, 12, 12)
    made = maximise(network, [aim], (12, 12), _COLOUR, how=Ascent(steps=30, plain=plain, **_STILL))
    with torch.no_grad():
        grey, risen = (
            network(image)[0, aim] if isinstance(aim, int) else aim.values(network[:1](image)).mean()
            for image in (start, made)
        )
    assert risen > grey + 0.1


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    aims: list[Neuron | int] = [1, Neuron("0", 4), 2, Neuron("0", 1)]
    how = Ascent(steps=5, together=2)
    together = maximise(_network(), aims, (12, 12), _COLOUR, how=how)
    for place, aim in enumerate(aims):
        torch.testing.assert_close(
            maximise(_network(), [aim], (12, 12), _COLOUR, how=how)[0], together[place], atol=1e-3, rtol=0
        )


def test_the_same_seed_makes_the_same_and_another_does_not() -> None:
    first, again, other = (
        maximise(_network(), [1], (12, 12), _COLOUR, how=Ascent(steps=3, seed=seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_pixels_stay_between_black_and_white() -> None:
    made = maximise(_network(), [0], (12, 12), _COLOUR, how=Ascent(steps=5, plain=True, rate=0.7))
    assert made.min() >= -2 - 1e-5
    assert made.max() <= 2 + 1e-5


def test_ctrl_c_leaves_what_there_is() -> None:
    steps: list[int] = []

    def interrupt(step: int) -> None:
        steps.append(step)
        if len(steps) == 2:
            raise KeyboardInterrupt

    made = maximise(_network(), [0, 1], (12, 12), _COLOUR, how=Ascent(steps=50, together=1), watch=interrupt)
    assert made.shape == (2, 3, 12, 12)
    assert len(steps) == 2


def test_what_is_not_there_is_refused() -> None:
    network = _network()
    with pytest.raises(SettingsError, match="no class number 5"):
        maximise(network, [5], (12, 12), _COLOUR)
    with pytest.raises(SettingsError, match="no channel 6"):
        maximise(network, [Neuron("0", 6)], (12, 12), _COLOUR)
    with pytest.raises(UnknownNameError, match="unknown layer"):
        maximise(network, [Neuron("nought", 0)], (12, 12), _COLOUR)
    with pytest.raises(SettingsError, match="no aim"):
        maximise(network, [], (12, 12), _COLOUR)


def test_a_size_too_small_for_the_network_is_refused() -> None:
    with pytest.raises(SizeError, match="cannot take 2×2 pixels"):
        maximise(_network(), [0], (2, 2), _COLOUR)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"together": 0}, {"rate": 0.0}, {"l2": -1.0}, {"turn": float("nan")}])
def test_a_setting_without_sense_is_refused_by_its_name(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Ascent(**wrong)  # type: ignore[arg-type]
