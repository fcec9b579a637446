"""Squeeze and excitation: by hand, in NumPy, and against the paper's count of parameters."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import SettingsError, SizeError
from striate.layers.squeeze import SqueezeExcitation


def test_maps_are_weighted_by_a_sigmoid_of_their_means():
    torch.manual_seed(0)
    layer, maps = SqueezeExcitation(6, reduction=3), torch.randn(2, 6, 4, 5)
    reduce, expand = ((fc.weight.detach().numpy(), fc.bias.detach().numpy()) for fc in (layer.reduce, layer.expand))
    means = maps.numpy().mean((2, 3))
    hidden = np.maximum(0, means @ reduce[0].T + reduce[1])
    weights = 1 / (1 + np.exp(-(hidden @ expand[0].T + expand[1])))
    np.testing.assert_allclose(layer(maps).detach(), maps.numpy() * weights[:, :, None, None], rtol=1e-5, atol=1e-6)


def test_without_any_excitation_each_map_is_halved():
    layer, maps = SqueezeExcitation(4, reduction=2), torch.randn(1, 4, 3, 3)
    nn.init.zeros_(layer.expand.weight)
    nn.init.zeros_(layer.expand.bias)
    assert torch.equal(layer(maps), maps / 2)


def test_one_by_one_convolutions_of_published_networks_do_the_same():
    torch.manual_seed(0)
    reduce, expand, maps = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1), torch.randn(2, 8, 5, 5)
    expected = maps * expand(reduce(maps.mean((2, 3), keepdim=True)).relu()).sigmoid()
    layer = SqueezeExcitation(8, reduction=4)
    kernels = {"reduce": reduce, "expand": expand}
    layer.load_state_dict(
        {f"{name}.weight": conv.weight.flatten(1) for name, conv in kernels.items()}
        | {f"{name}.bias": conv.bias for name, conv in kernels.items()}
    )
    torch.testing.assert_close(layer(maps), expected)


def test_resnet50_with_reduction_16_grows_by_the_papers_two_and_a_half_million_weights():
    """The paper's equation 5: 2/r · Σ N_s · C_s², N_s blocks of C_s maps in stage s."""
    stages = ((3, 256), (4, 512), (6, 1024), (3, 2048))
    layers = {maps: SqueezeExcitation(maps) for _, maps in stages}
    weights = sum(
        blocks * (layers[maps].reduce.weight.numel() + layers[maps].expand.weight.numel()) for blocks, maps in stages
    )
    assert weights == 2 * sum(blocks * maps**2 for blocks, maps in stages) // 16
    assert round(weights / 1e6, 1) == 2.5


def test_silu_may_stand_in_the_place_of_relu():
    torch.manual_seed(0)
    layer, maps = SqueezeExcitation(6, reduction=3, activation=nn.SiLU), torch.randn(2, 6, 4, 5)
    hidden = layer.reduce(maps.mean((2, 3)))
    weights = layer.expand(hidden * hidden.sigmoid()).sigmoid()
    torch.testing.assert_close(layer(maps), maps * weights[:, :, None, None])


@pytest.mark.parametrize(("channels", "reduction", "left"), [(64, 16, 4), (70, 16, 4), (8, 16, 1), (5, 1, 5)])
def test_at_least_one_value_is_left(channels, reduction, left):
    assert SqueezeExcitation(channels, reduction).reduce.weight.shape == (left, channels)


@pytest.mark.parametrize(("setting", "value"), [("channels", 0), ("reduction", 0), ("reduction", 0.5)])
def test_settings_under_one_are_refused_by_name(setting, value):
    how = {"channels": 16} | {setting: value}
    with pytest.raises(SettingsError, match=f"^{setting} is {value}; expected a whole number from 1"):
        SqueezeExcitation(**how)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (8, 3, 3, 3), (4, 8), (8,)])
def test_maps_of_other_channels_are_refused(shape):
    with pytest.raises(SizeError) as refused:
        SqueezeExcitation(8)(torch.zeros(shape))
    assert str(refused.value).startswith(f"maps are {shape}; expected (N, 8, H, W), or (8, H, W) of one image, of at ")
