"""Dreams: the step worked by hand and against a plain loop of torch; what is asked of any network."""

import pytest
import torch
from torch import Tensor, nn

from striate.errors import SettingsError, SizeError, UnknownNameError
from striate.explain.canvas import Limits
from striate.explain.dream import Dreaming, dream, layer_for_dreams
from striate.explain.neuron import Neuron

_WIDE = Limits(torch.tensor([-10.0]), torch.tensor([10.0]))
_COLOUR = Limits(torch.tensor([-2.0, -2.5, -3.0]), torch.tensor([2.0, 1.5, 3.0]))


def _network() -> nn.Sequential:
    torch.manual_seed(3)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 8, 3, stride=2),
        nn.Flatten(),
        nn.Linear(8 * 9 * 9, 4),  # takes 22×22 pixels alone
    )
    norm = network[1]
    norm.running_mean = torch.randn(6) * 0.3
    norm.running_var = torch.rand(6) + 0.5
    return network


def _image(side: int = 22) -> Tensor:
    return torch.rand((1, 3, side, side), generator=torch.Generator().manual_seed(5)) * 2 - 1


def test_one_step_on_a_linear_layer_is_as_worked_by_hand() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten())
    nn.init.constant_(network[0].weight, 2.0)
    image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    # the gradient of ½ |2x|² is 4x; over its mean, 10, that is 0.4, 0.8, 1.2, 1.6; white − black is 20, the rate 0.01
    dreamt = dream(network, image, _WIDE, layer="0", how=Dreaming(steps=1, octaves=1, jitter=0, rate=0.01))
    torch.testing.assert_close(dreamt, torch.tensor([[[[1.08, 2.16], [3.24, 4.32]]]]))


def test_a_dream_is_that_of_the_plain_loop() -> None:
    """The common one: the whole network runs, every weight gets a gradient, the image is rolled to and fro."""
    network, image, rate, steps, jitter = _network().eval(), _image(), 0.02, 5, 4
    seen: list[Tensor] = []
    handle = network[3].register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    chance = torch.Generator().manual_seed(9)
    low, high = _COLOUR.low.view(3, 1, 1), _COLOUR.high.view(3, 1, 1)
    expected = image
    for _ in range(steps):
        shifts = [int(torch.randint(-jitter, jitter + 1, (1,), generator=chance)) for _ in range(2)]
        moved = expected.roll(shifts, (2, 3)).detach().requires_grad_()
        network(moved)
        (0.5 * seen.pop().square().sum()).backward()
        gradient = moved.grad * (high - low)  # of pixels from black to white
        stepped = moved.detach() + (high - low) * rate * gradient / gradient.abs().mean()
        expected = stepped.clamp(low, high).roll([-shift for shift in shifts], (2, 3))
    handle.remove()
    how = Dreaming(steps=steps, octaves=1, jitter=jitter, rate=rate, seed=9)
    torch.testing.assert_close(dream(network, image, _COLOUR, layer="3", how=how), expected, atol=1e-4, rtol=0)


def test_what_the_layer_sees_it_sees_more_of() -> None:
    network, image = _network().eval(), _image()
    dreamt = dream(network, image, _COLOUR, layer="3", how=Dreaming(steps=10, octaves=1, jitter=2))
    with torch.no_grad():
        before, after = (float(network[:4](some).square().sum()) for some in (image, dreamt))
    assert after > 1.5 * before


def test_a_neuron_alone_is_raised() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten())
    network[0].weight = nn.Parameter(torch.tensor([2.0, -0.5]).view(2, 1, 1, 1))
    image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    how = Dreaming(steps=1, octaves=1, jitter=0, rate=0.01)
    brighter, darker = (dream(network, image, _WIDE, layer=Neuron("0", channel), how=how) for channel in (0, 1))
    torch.testing.assert_close(brighter, image + 0.2)  # its gradient is 2 everywhere, by its mean size 1
    torch.testing.assert_close(darker, image - 0.2)


def test_a_dream_stays_between_black_and_white() -> None:
    dreamt = dream(_network(), _image(), _COLOUR, layer="3", how=Dreaming(steps=8, octaves=2, rate=0.5, jitter=0))
    for channel in range(3):
        assert dreamt[0, channel].min() >= _COLOUR.low[channel] - 1e-5
        assert dreamt[0, channel].max() <= _COLOUR.high[channel] + 1e-5


def test_what_lies_behind_the_layer_need_not_take_the_image() -> None:
    dreamt = dream(_network(), _image(37), _COLOUR, layer="2", how=Dreaming(steps=2, octaves=2))
    assert dreamt.shape == (1, 3, 37, 37)


def test_tiles_reach_every_pixel() -> None:
    image = torch.zeros(1, 3, 40, 40)
    dreamt = dream(_network(), image, _COLOUR, layer="3", how=Dreaming(steps=2, octaves=1, tile=16))
    assert ((dreamt - image).abs().amax(dim=1) > 0).float().mean() > 0.95


def test_the_same_seed_dreams_the_same_and_another_does_not() -> None:
    first, again, other = (
        dream(_network(), _image(), _COLOUR, layer="3", how=Dreaming(steps=3, octaves=2, seed=seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_network_is_left_as_it_was_also_by_ctrl_c() -> None:
    network = _network().train()
    network[0].weight.requires_grad_(False)
    before = {name: values.clone() for name, values in network.state_dict().items()}

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    dreamt = dream(network, _image(), _COLOUR, layer="3", how=Dreaming(steps=9, octaves=2), watch=interrupt)
    assert not torch.equal(dreamt, _image())  # of what there was by then
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
    assert all(module.training and not module._forward_hooks for module in network.modules())
    assert [weight.requires_grad for weight in network.parameters()] == [False] + [True] * 6
    assert all(weight.grad is None for weight in network.parameters())


def test_each_step_of_each_octave_is_told() -> None:
    told: list[int] = []
    dream(_network(), _image(), _COLOUR, layer="3", how=Dreaming(steps=3, octaves=2), watch=told.append)
    assert told == [1] * 6


def test_the_layer_without_a_name_is_the_last_fine_one() -> None:
    assert layer_for_dreams(_network(), (3, 22, 22)) == "3"


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown layer 'layer9'"):
        dream(_network(), _image(), _COLOUR, layer="layer9")


def test_an_image_too_small_for_the_network_is_refused() -> None:
    with pytest.raises(SizeError, match="cannot take 2×2 pixels"):
        dream(_network(), _image(2), _COLOUR, layer="3", how=Dreaming(octaves=1))


def test_several_images_and_other_channels_are_refused() -> None:
    with pytest.raises(SettingsError, match="of one image; 2 came"):
        dream(_network(), _image().repeat(2, 1, 1, 1), _COLOUR, layer="3")
    with pytest.raises(SettingsError, match="1×1×22×22"):
        dream(_network(), _image()[:, :1], _COLOUR, layer="3")


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"octaves": 0}, {"scale": 1.0}, {"rate": 0.0}, {"jitter": -1}])
def test_a_setting_without_sense_is_refused_by_its_name(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Dreaming(**wrong)  # type: ignore[arg-type]
