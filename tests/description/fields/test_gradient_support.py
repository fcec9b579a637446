"""Receptive fields against the support of the gradient, in networks of all the forms that the rules follow."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from striate.description.describing import describe

Conv, Transposed, Pool = nn.Conv2d, nn.ConvTranspose2d, nn.AvgPool2d  # averages: a largest value has one source


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *maps):
        return self.function(*maps)


class Branches(nn.ModuleList):
    """Each branch sees the same maps; `meet` puts what they make together."""

    def __init__(self, meet, *branches):
        super().__init__(branches)
        self.meet = meet

    def forward(self, maps):
        return self.meet(*(branch(maps) for branch in self))


def side_by_side(*maps):
    return torch.cat(maps, 1)


def added(one, other):
    return one + other


def gated(maps, gate):
    return maps * gate


def chain(*layers):
    return nn.Sequential(*layers)


def inception():
    return Branches(
        side_by_side,
        Conv(2, 1, 1),
        chain(Conv(2, 1, 1), Conv(1, 2, 3, padding=1)),
        chain(Conv(2, 1, 1), Conv(1, 1, 5, padding=2)),
        chain(Pool(3, 1, 1), Conv(2, 1, 1)),
    )


def u_net(up, *, channels=2):
    """Down once, up again, beside what was there before."""
    below = chain(Pool(2), Conv(2, 2, 3, padding=1), up)
    return chain(Conv(1, 2, 3, padding=1), Branches(side_by_side, nn.Identity(), below), Conv(2 + channels, 1, 3))


def squeezed_and_excited():
    gate = chain(nn.AdaptiveAvgPool2d(1), Conv(2, 1, 1), nn.Softplus(), Conv(1, 2, 1))
    return chain(Conv(1, 2, 4, stride=2), Branches(gated, nn.Identity(), gate), Conv(2, 1, 3))


class Attention(nn.Module):
    """Patches, a class token, attention over all, the class token's scores."""

    def __init__(self, *, pooled):
        super().__init__()
        self.patches = Conv(1, 4, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, 4))
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, activation="gelu", batch_first=True)
        self.pooled = pooled

    def forward(self, images):
        tokens = self.patches(images).flatten(2).mT
        seen = self.layer(torch.cat([self.token, tokens], 1))
        return seen.mean(1) if self.pooled else seen[:, 0]


def shuffled(maps):
    return maps.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


def over_places(maps):
    """A channel layer over places laid in a row, and back."""
    rows = maps.flatten(2).mT
    return (rows.softmax(-1) + rows).mT.unflatten(2, maps.shape[2:])


PLANE = {
    "a chain with strides": chain(Conv(1, 2, 6, stride=2), Pool((4, 2), 2), Conv(2, 2, 3, padding=1)),
    "another window each way": chain(Conv(1, 2, (3, 5), stride=(1, 2), padding=(0, 2)), Conv(2, 1, (1, 2))),
    "even windows": chain(Conv(1, 2, 4, stride=2, padding=1), Conv(2, 1, 2), Conv(1, 1, 4)),
    "ceil mode": chain(Conv(1, 1, 3), Pool(3, 2, ceil_mode=True), Conv(1, 1, 3)),
    "padding on all sides": chain(Conv(1, 1, 3, padding="same"), Conv(1, 1, 5, padding=3), Conv(1, 1, 7, padding=3)),
    "dilation 1, 2, 4, 8": chain(*(Conv(1, 1, 3, padding=rate, dilation=rate) for rate in (1, 2, 4, 8))),
    "residual": chain(Conv(1, 2, 3), Branches(added, nn.Identity(), chain(Conv(2, 2, 3, padding=1), nn.Softplus()))),
    "a shortcut with a stride": Branches(
        added, Conv(1, 2, 1, stride=2), chain(Conv(1, 2, 3, stride=2, padding=1), Conv(2, 2, 3, padding=1))
    ),
    "inception": chain(Conv(1, 2, 3), inception(), Pool(2)),
    "U-Net, transposed convolution": u_net(Transposed(2, 2, 2, stride=2)),
    "U-Net, overlapping transposed convolution": u_net(Transposed(2, 1, 4, stride=2, padding=1), channels=1),
    "U-Net, nearest": u_net(nn.Upsample(scale_factor=2)),
    "U-Net, nearest to a size": u_net(nn.Upsample(size=(24, 20))),
    "U-Net, bilinear": u_net(nn.Upsample(scale_factor=2, mode="bilinear")),
    "U-Net, pixel shuffle": u_net(chain(Conv(2, 8, 3, padding=1), nn.PixelShuffle(2))),
    "transposed with gaps": chain(Conv(1, 1, 3), Transposed(1, 1, 2, stride=3), Conv(1, 1, 3)),
    "transposed, dilated": Transposed(1, 1, 3, stride=2, dilation=2, padding=1, output_padding=1),
    "corners aligned": chain(Pool(2), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), Conv(1, 1, 3)),
    "enlarged by one and a half": chain(Pool(2), nn.Upsample(scale_factor=1.5, mode="bilinear"), Conv(1, 1, 3)),
    "nearest by one and a half": chain(Pool(2), nn.Upsample(scale_factor=1.5), Conv(1, 1, 3)),
    "nearest exact": chain(Pool(2), nn.Upsample(size=(30, 25), mode="nearest-exact"), Conv(1, 1, 2)),
    "made smaller by interpolation": chain(Apply(lambda maps: F.interpolate(maps, size=(9, 7))), Conv(1, 1, 3)),
    "adaptive pooling": chain(Conv(1, 1, 3), nn.AdaptiveAvgPool2d((5, 7)), Conv(1, 1, 2)),
    "pixel unshuffle": chain(nn.PixelUnshuffle(2), Conv(4, 8, 3), nn.PixelShuffle(2), Conv(2, 1, 3)),
    "reflection": Conv(1, 1, 5, padding=2, padding_mode="reflect"),
    "replication": Conv(1, 1, 3, padding=1, padding_mode="replicate"),
    "zeros on one side": chain(nn.ZeroPad2d((1, 0, 2, 0)), Conv(1, 1, 3)),
    "a crop": chain(Conv(1, 1, 3), nn.ZeroPad2d(-2), Conv(1, 1, 3)),
    "slices": chain(Conv(1, 2, 3), Apply(lambda maps: maps[:, :1, 2:, ::2] + 0), Conv(1, 1, 3)),
    "negative slices": chain(Apply(lambda maps: maps[:, :, -9:-1, :-4] * 2), Conv(1, 1, 3)),
    "shifted beside itself": Apply(lambda maps: maps[:, :, 1:, :] - 0.5 * maps[:, :, :-1, :]),
    "focus": chain(Apply(lambda maps: side_by_side(maps[..., ::2, ::2], maps[..., 1::2, 1::2])), Conv(2, 1, 3)),
    "split and channel shuffle": chain(
        Conv(1, 4, 3),
        Apply(lambda maps: side_by_side(*maps.chunk(2, 1)[::-1])),
        Conv(4, 4, 3, groups=4),
        Apply(shuffled),
        Conv(4, 2, 3, groups=2),
    ),
    "places in a row": chain(Conv(1, 3, 4, stride=4), Apply(over_places), Conv(3, 1, 2)),
    "channels last": chain(Conv(1, 2, 3), Apply(lambda maps: maps.movedim(1, -1)), nn.Linear(2, 3), nn.LayerNorm(3)),
    "batch normalisation": chain(Conv(1, 2, 3), nn.BatchNorm2d(2), nn.Softplus(), Conv(2, 1, 3)),
}
WHOLE = {
    "squeeze and excitation": squeezed_and_excited(),
    "global pooling": chain(Conv(1, 2, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)),
    "mean": chain(Conv(1, 2, 3, padding=1), Apply(lambda maps: maps.mean((2, 3))), nn.Linear(2, 3)),
    "flattened": chain(Conv(1, 2, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(240, 3)),
    "group normalisation": chain(Conv(1, 4, 3), nn.GroupNorm(2, 4), Conv(4, 1, 3)),
    "instance normalisation": chain(Conv(1, 2, 3), nn.InstanceNorm2d(2)),
    "layer normalisation of all": chain(Conv(1, 2, 3), nn.LayerNorm([2, 22, 18])),
    "attention, class token": Attention(pooled=False),
    "attention, mean": Attention(pooled=True),
}
ROW = chain(nn.Conv1d(2, 3, 4, stride=2, padding=1), nn.AvgPool1d(2), nn.ConvTranspose1d(3, 1, 3, stride=2))
CUBE = chain(nn.Conv3d(1, 2, (2, 3, 3), stride=(1, 2, 1)), nn.AvgPool3d(2, 1), nn.Upsample(scale_factor=(1, 2, 1)))


@pytest.mark.parametrize("name", PLANE)
def test_a_unit_sees_the_pixels_that_its_gradient_reaches(name, same_support):
    same_support(PLANE[name], (1, 24, 20))


@pytest.mark.parametrize("name", WHOLE)
def test_what_mixes_all_places_has_a_gradient_on_the_whole_image(name, same_support, compare):
    same_support(WHOLE[name], (1, 24, 20))
    assert compare(WHOLE[name], (1, 24, 20))[-1][1:] == (((0, 23), (0, 19)),) * 2


@pytest.mark.parametrize(("network", "shape"), [(ROW, (2, 24)), (CUBE, (1, 6, 9, 8))], ids=["a row", "a cube"])
def test_signals_and_volumes_too(network, shape, same_support):
    same_support(network, shape)


def test_maps_whose_units_drift_apart_are_named_and_not_guessed():
    """With corners aligned 24 units stand 23/11 of a pooled unit apart, and 1 pixel apart beside them."""
    card = describe(u_net(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)), in_channels=1, size=24)
    assert card.fields_lost == ("cat",)
    assert card.rows[-1].field is None
