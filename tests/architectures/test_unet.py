"""U-Net against Ronneberger et al. 2015, figure 1."""

import pytest
import torch
from torch import nn

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import create_model
from striate.architectures.unet import Joining, unet
from striate.errors import SizeError

SIDES = (570, 568, 282, 280, 138, 136, 66, 64, 30, 28, 56, 54, 52, 104, 102, 100, 200, 198, 196, 392, 390, 388, 388)
WIDTHS = (64, 128, 256, 512, 1024)


def on_meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options).eval()


def narrow(**options):
    """A U-Net of the same form with few maps, in numbers."""
    torch.manual_seed(0)
    return unet(Declaration("narrow", 3, 1, (188, 188)), (2, 3, 4, 5, 6), **options).eval()


def convolutions(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]


def test_the_23_convolutions_give_the_sides_and_channels_of_figure_1():
    network, given = on_meta("unet"), []
    for layer in convolutions(network):
        layer.register_forward_hook(lambda layer, inputs, maps: given.append(tuple(maps.shape[1:])))
    network(torch.empty(1, 1, 572, 572, device="meta"))
    contracting = [width for width in WIDTHS for _ in range(2)]
    expanding = [width for width in WIDTHS[-2::-1] for _ in range(3)]
    assert given == [(width, side, side) for width, side in zip((*contracting, *expanding, 2), SIDES, strict=True)]


def test_parameters_are_those_of_figure_1_added_up_by_hand():
    down = sum(9 * a * b + b for a, b in zip((1, *WIDTHS[:-1]), WIDTHS, strict=True)) + sum(
        9 * w * w + w for w in WIDTHS
    )
    up = sum((4 * 2 * w * w + w) + (9 * 2 * w * w + w) + (9 * w * w + w) for w in WIDTHS[:-1])
    total = sum(parameter.numel() for parameter in on_meta("unet").parameters())
    assert total == down + up + 2 * 64 + 2 == 31_030_658
    assert total == sum(parameter.numel() for parameter in on_meta("unet_same").parameters())


def test_batch_norm_takes_the_place_of_each_3x3_convolutions_bias():
    biases = 2 * sum(WIDTHS) + 2 * sum(WIDTHS[:-1])
    network = on_meta("unet_same_bn", in_channels=3, num_classes=1)
    expected = 31_030_658 - (64 + 1) + 2 * 9 * 64 + biases
    assert sum(parameter.numel() for parameter in network.parameters()) == expected == 31_037_633


def test_a_tile_needs_188_pixels():
    assert on_meta("unet", size=188)(torch.empty(1, 1, 188, 188, device="meta")).shape == (1, 2, 4, 4)
    with pytest.raises(SizeError, match=r"unet cannot take a side of 187 pixels: .* use a size of 188 or more"):
        on_meta("unet", size=(300, 187))


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (45, 100), (512, 512)])
def test_padded_it_names_every_pixel_of_any_image(size):
    network = on_meta("unet_same_bn", size=size)
    assert network(torch.empty(1, 1, *size, device="meta")).shape == (1, 2, *size)


def test_padded_images_need_16_pixels():
    with pytest.raises(SizeError, match="use a size of 16 or more"):
        on_meta("unet_same", size=15)


def test_the_maps_from_across_are_cropped_to_their_middle_and_come_first():
    joining = Joining(4, 2, padded=False, batch_norm=False)
    for parameter in joining.parameters():
        nn.init.zeros_(parameter)
    for layer in (joining.convolutions.conv1, joining.convolutions.conv2):
        nn.init.dirac_(layer.weight)  # lets the first two of four maps through
    across = torch.rand(1, 2, 15, 16)
    with torch.no_grad():
        joined = joining(torch.rand(1, 4, 4, 4), across)  # 8x8 after the up-convolution, 4x4 after two windows
    assert torch.equal(joined, across[:, :, 6:10, 6:10])


def test_an_image_moved_by_16_pixels_has_its_maps_moved_by_16_pixels():
    network, image = narrow(), torch.rand(1, 1, 204, 188)
    with torch.no_grad():
        whole, below = network(image), network(image[:, :, 16:])
    assert whole.shape[2:] == (20, 4)
    torch.testing.assert_close(whole[:, :, 16:], below)


def test_padded_a_row_that_a_pooling_dropped_comes_back_as_zeros():
    joining = Joining(4, 2, padded=True, batch_norm=False)
    for parameter in joining.parameters():
        nn.init.zeros_(parameter)
    nn.init.ones_(joining.up.bias)
    joining.convolutions.conv1.weight.data[0, 2, 1, 1] = 1  # lets the first map through that came up
    nn.init.dirac_(joining.convolutions.conv2.weight)
    with torch.no_grad():
        joined = joining(torch.rand(1, 4, 2, 2), torch.rand(1, 2, 5, 4))
    assert joined[0, 0].tolist() == [[1] * 4] * 4 + [[0] * 4]


def test_half_of_the_values_are_dropped_at_the_ends_of_the_last_two_stages():
    drops = {name: layer.p for name, layer in on_meta("unet").named_modules() if isinstance(layer, nn.Dropout)}
    assert drops == {"stage4.dropout": 0.5, "stage5.dropout": 0.5}


def test_weights_start_with_a_variance_of_two_over_the_values_that_make_one():
    torch.manual_seed(0)
    network = unet(Declaration("two stages", 2, 64, (32, 32)), (64, 128))
    for layer in convolutions(network):
        values = layer.in_channels * (layer.kernel_size[0] ** 2 if isinstance(layer, nn.Conv2d) else 1)
        assert layer.weight.std().item() == pytest.approx((2 / values) ** 0.5, rel=0.1)
        assert not layer.bias.any()
