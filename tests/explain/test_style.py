"""Gram matrices, colours and regions by hand; and that the picture goes where it is sent."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import SettingsError, UnknownNameError
from striate.explain.canvas import Limits
from striate.explain.colour import as_grey, from_yiq, matched, to_yiq, with_chroma_of
from striate.explain.gram import content_loss, gram, gram_loss
from striate.explain.style import Space, Styling, style_transfer
from striate.explain.style_layers import Layers, style_layers

LIMITS = Limits(torch.zeros(3), torch.ones(3))


def test_a_gram_matrix_by_hand():
    """F = (1 2; 3 4): F Fᵀ / 2 = (5 11; 11 25) / 2."""
    maps = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    assert gram(maps).tolist() == [[[2.5, 5.5], [5.5, 12.5]]]


def test_a_guided_gram_matrix_is_that_of_its_region():
    maps = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    regions = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])  # (R, 1, 2)
    assert gram(maps, regions).tolist() == [[[1.0, 3.0], [3.0, 9.0]], [[4.0, 8.0], [8.0, 16.0]]]


def test_the_gradient_of_the_style_loss_by_hand():
    """One channel of two places: G = (a² + b²)/2, L = (G − A)²/A², ∂L/∂a = 2 (G − A) a / A²."""
    maps = torch.tensor([[[[1.0, 3.0]]]], requires_grad=True)
    wanted = torch.tensor([[[2.0]]])
    loss = gram_loss(gram(maps), wanted)
    assert loss.item() == pytest.approx((5 - 2) ** 2 / 4)
    loss.backward()
    torch.testing.assert_close(maps.grad, torch.tensor([[[[2 * 3 * 1 / 4, 2 * 3 * 3 / 4]]]]))


def test_the_content_loss_by_hand():
    assert content_loss(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0])).item() == pytest.approx(4 / 5)


def test_a_region_has_no_gradient_outside():
    maps = torch.randn(1, 2, 4, 4, requires_grad=True)
    region = torch.zeros(1, 4, 4)
    region[0, :2] = 1
    gram_loss(gram(maps, region), torch.eye(2)[None]).backward()
    assert maps.grad[..., :2, :].abs().min() > 0
    assert not maps.grad[..., 2:, :].any()


def test_brightness_is_that_of_television():
    canvas = torch.tensor([[[[1.0, 0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0, 1.0]], [[0.0, 0.0, 1.0, 1.0]]]])
    torch.testing.assert_close(to_yiq(canvas)[0, 0, 0], torch.tensor([0.299, 0.587, 0.114, 1.0]))
    torch.testing.assert_close(to_yiq(canvas)[0, 1:, 0, 3], torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(from_yiq(to_yiq(canvas)), canvas, atol=1e-6, rtol=0)


def test_a_picture_takes_the_chroma_of_another_and_keeps_its_own_brightness():
    one, other = torch.rand(2, 1, 3, 5, 6)
    both = to_yiq(with_chroma_of(as_grey(one), other))
    torch.testing.assert_close(both[:, :1], to_yiq(one)[:, :1], atol=1e-6, rtol=0)
    torch.testing.assert_close(both[:, 1:], to_yiq(other)[:, 1:], atol=1e-6, rtol=0)


def test_matched_colours_have_the_others_mean_and_covariance():
    one, other = torch.rand(1, 3, 20, 20), torch.rand(1, 3, 11, 9) ** 2
    moved = matched(one, other)[0].flatten(1).double().numpy()
    wanted = other[0].flatten(1).double().numpy()
    np.testing.assert_allclose(moved.mean(1), wanted.mean(1), atol=1e-6)
    np.testing.assert_allclose(np.cov(moved, bias=True), np.cov(wanted, bias=True), atol=1e-6)


def _network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()
    )


LAYERS = Layers(("4",), ("1", "4"))


def _losses(how, space=None):
    torch.manual_seed(1)
    content, style = torch.rand(1, 3, 24, 20), torch.rand(1, 3, 30, 30) ** 3
    told = []
    painted = style_transfer(
        _network(), content, style, LIMITS, layers=LAYERS, how=how, space=space, watch=lambda _, loss: told.append(loss)
    )
    return painted, told, content


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_the_loss_goes_down_and_the_picture_stays_within_the_limits(optimiser):
    painted, told, content = _losses(Styling(steps=30, optimiser=optimiser))
    assert painted.shape == content.shape
    assert painted.min() >= 0 and painted.max() <= 1
    assert told[-1] < 0.7 * told[0]


def test_the_same_seed_gives_the_same_picture():
    how = Styling(steps=5, start="noise", seed=3)
    assert torch.equal(_losses(how)[0], _losses(how)[0])
    assert not torch.equal(_losses(how)[0], _losses(Styling(steps=5, start="noise", seed=4))[0])


def test_colours_that_are_kept_are_the_contents():
    painted, _, content = _losses(Styling(steps=10, colour="keep"))
    inside = ((painted > 1e-3) & (painted < 1 - 1e-3)).all(dim=1)  # what was not clipped
    assert inside.float().mean() > 0.3
    apart = (to_yiq(painted) - to_yiq(content))[:, 1:].abs().amax(dim=1)
    assert apart[inside].max() < 1e-5


def test_a_region_that_is_all_is_no_region():
    whole = Space(torch.ones(1, 24, 20), torch.ones(1, 30, 30))
    how = Styling(steps=5)
    torch.testing.assert_close(_losses(how, whole)[0], _losses(how)[0], atol=1e-4, rtol=0)


def test_interrupted_it_gives_what_there_is():
    def stop(_steps, _loss):
        raise KeyboardInterrupt

    content = torch.rand(1, 3, 24, 20)
    painted = style_transfer(_network(), content, torch.rand(1, 3, 24, 20), LIMITS, layers=LAYERS, watch=stop)
    assert painted.shape == content.shape
    assert not torch.equal(painted, content)


def test_layers_are_found_by_the_size_of_their_maps():
    """Maps of 24 and 12 places a side; the content's is the one nearest to 8 pixels a place."""
    assert style_layers(_network(), (3, 24, 24)) == Layers(("4",), ("1", "4"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"colour": "blue"}, "colour is 'blue'; expected one of take, keep, match"),
        ({"scale": 0.0}, "scale is 0.0"),
        ({"style_weight": -1.0}, "style_weight is -1.0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(asked, said):
    with pytest.raises(SettingsError, match=said):
        Styling(**asked)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(SettingsError, match=r"the mask of the content is 1×9×9; the content is 24×20"):
        _losses(Styling(steps=1), Space(torch.ones(1, 9, 9), torch.ones(1, 30, 30)))


def test_a_layer_that_does_not_exist_is_refused():
    with pytest.raises(UnknownNameError, match="unknown layer 'nine'"):
        style_transfer(
            _network(), torch.rand(1, 3, 24, 24), torch.rand(1, 3, 24, 24), LIMITS, layers=Layers(("nine",), ("1",))
        )
