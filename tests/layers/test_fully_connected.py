"""A classifier as convolutions: the same numbers on its own size, and on larger images what it says of each crop."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from striate.architectures.catalogue import create_model
from striate.errors import SettingsError, SizeError
from striate.layers.fully_connected import as_convolution
from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.pooling import L2Pool2d
from striate.layers.squeeze import SqueezeExcitation


def equal(given, expected):
    torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-5)


def test_weights_worked_by_hand_lie_as_flattening_lays_values():
    layer = nn.Linear(8, 1, bias=False)
    layer.weight.data = torch.arange(8.0).view(1, 8)
    window = as_convolution(layer, (2, 2, 2))
    assert window.weight.tolist() == [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]
    assert window.bias is None
    maps = torch.zeros(1, 2, 2, 3)
    maps[0, 1, 0, 1] = 1  # the upper right value of the first place and the upper left one of the second, in map 1
    assert window(maps).tolist() == [[[[5, 4]]]]


@pytest.mark.parametrize(
    ("name", "channels", "size", "shape"),
    [
        ("lenet5", 1, 32, (16, 5, 5)),
        ("alexnet", 3, 67, (256, 1, 1)),
        pytest.param("vgg11", 3, 64, (512, 2, 2), marks=pytest.mark.slow),
    ],
)
def test_a_network_gives_the_same_numbers_on_its_own_size(name, channels, size, shape):
    torch.manual_seed(0)
    network = create_model(name, num_classes=7, in_channels=channels, size=(size, size)).eval()
    image = torch.randn(2, channels, size, size)
    turned = as_convolution(network, shape)
    assert [name for name, _ in turned.named_modules()] == [name for name, _ in network.named_modules()]
    assert not any(isinstance(module, nn.Linear | nn.Flatten) for module in turned.modules())
    with torch.inference_mode():
        scores = turned(image)
        assert scores.shape == (2, 7, 1, 1)
        equal(scores.flatten(1), network(image))


def test_lenet_slides_over_a_larger_image_in_steps_of_its_stride():
    torch.manual_seed(0)
    network = create_model("lenet5")
    image = torch.randn(2, 1, 40, 44)
    with torch.inference_mode():
        scores = as_convolution(network, (16, 5, 5))(image)
        assert scores.shape == (2, 10, 3, 4)
        for row in range(3):
            for column in range(4):
                crop = image[:, :, 4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
                equal(scores[:, :, row, column], network(crop))


def test_a_padded_network_sees_more_than_the_crop():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Flatten(), nn.Linear(32, 3))
    image = torch.randn(1, 1, 5, 5)
    scores = as_convolution(network, (2, 4, 4))(image)
    assert scores.shape == (1, 3, 2, 2)
    assert not torch.allclose(scores[:, :, 0, 0], network(image[:, :, :4, :4]), atol=1e-3)


def head(*more):
    return nn.Sequential(nn.Linear(12, 6), *more, nn.Linear(6, 3))


@pytest.mark.parametrize(
    "network",
    [
        head(nn.BatchNorm1d(6), nn.PReLU(6), nn.Dropout(), nn.Softmax(dim=1)),
        nn.Sequential(nn.Sequential(nn.Flatten(1, 3), nn.ReLU(), head(nn.Identity())), nn.LogSoftmax(dim=1)),
        nn.Sequential(nn.PReLU(3), nn.AvgPool2d(1), nn.Flatten(), nn.Linear(12, 6, bias=False)),
    ],
)
def test_heads_of_many_kinds_give_the_same_and_learn_the_same(network):
    torch.manual_seed(0)
    maps = torch.randn(5, 3, 2, 2)
    turned = as_convolution(network, (3, 2, 2))
    values = maps if isinstance(network[0], nn.Sequential | nn.PReLU) else maps.flatten(1)
    for module in (network, turned):  # in training, where batch norm uses the batch and moves its averages
        torch.manual_seed(1)
        module(maps if module is turned else values)[:, 0].sum().backward()
    for one, other in zip(turned.parameters(), network.parameters(), strict=True):
        equal(one.grad.view(-1), other.grad.view(-1))
    equal(turned.eval()(maps).flatten(1), network.eval()(values))


def test_batch_norm_may_stand_before_the_first_layer_where_maps_are_of_one_place():
    network, maps = nn.Sequential(nn.BatchNorm1d(12), nn.Linear(12, 3)), torch.randn(4, 12, 1, 1)
    equal(as_convolution(network, (12, 1, 1))(maps).flatten(1), network(maps.flatten(1)))
    with pytest.raises(SettingsError, match=r"^BatchNorm1d '0' cannot be turned"):
        as_convolution(network, (3, 2, 2))


def test_nothing_is_shared_with_the_original_and_modes_stay():
    network = head(nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout())
    network[1].eval().requires_grad_(False)
    network[0].weight.requires_grad_(False)
    turned = as_convolution(network, (3, 2, 2))
    owned = [{x.data_ptr() for x in (*module.parameters(), *module.buffers())} for module in (network, turned)]
    assert not owned[0] & owned[1]
    assert [module.training for module in turned] == [module.training for module in network]
    assert [p.requires_grad for p in turned.parameters()] == [p.requires_grad for p in network.parameters()]
    assert as_convolution(network.eval(), (3, 2, 2)).training is False


def test_a_module_that_stands_twice_stays_twice():
    activation = nn.ReLU()
    assert len(as_convolution(nn.Sequential(activation, nn.Linear(4, 4), activation), (1, 2, 2))) == 3


def test_number_formats_stay():
    assert as_convolution(nn.Linear(4, 2).double(), (1, 2, 2)).weight.dtype == torch.float64


def flat(*modules):
    return nn.Sequential(nn.Flatten(), *modules)


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (nn.Linear(5, 9), r"^nn.Linear takes 5 values, and maps of 1×2×2 have 4: give the \(C, H, W\) that the first"),
        (flat(nn.Linear(4, 9), nn.Linear(4, 2)), r"^nn.Linear '2' takes 4 values, and maps of 9×1×1 have 9: give"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_with_the_arithmetic(layer, sentence):
    with pytest.raises(SizeError, match=sentence):
        as_convolution(layer, (1, 2, 2))


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (nn.Sequential(flat(), nn.AdaptiveAvgPool2d(2)), r"^AdaptiveAvgPool2d '1' cannot be turned: it looks at all"),
        (nn.Sequential(nn.Sequential(nn.AdaptiveMaxPool2d(2)), flat()), r"^AdaptiveMaxPool2d '0.0' cannot be turned"),
        (flat(nn.LayerNorm(4)), r"^LayerNorm '1' cannot"),
        (nn.Sequential(nn.Linear(4, 2), nn.LayerNorm(2)), r"^LayerNorm '1' cannot"),
        (flat(nn.Softmax(dim=1)), r"^Softmax '1' cannot be turned: on maps it would do something else than on a line"),
        (flat(nn.Linear(4, 2), nn.Softmax(dim=-1)), r"^Softmax '2' cannot"),
        (nn.Sequential(nn.Flatten(0)), r"^Flatten '0' cannot"),
        (nn.Sequential(nn.Flatten(1, 2)), r"^Flatten '0' cannot"),
        (nn.Conv2d(1, 1, 1), r"^Conv2d is no nn.Linear and no nn.Sequential; give the part of it that is$"),
    ],
)
def test_what_cannot_be_turned_is_refused_by_name(layer, sentence):
    with pytest.raises(SettingsError, match=sentence):
        as_convolution(layer, (1, 2, 2))


class Block(nn.Sequential):
    """A container that runs its children by itself, in whatever way."""

    def forward(self, values):
        return super().forward(values)


@pytest.mark.parametrize(
    "module",
    [
        *(nn.GroupNorm(1, 2), nn.LayerNorm(4), nn.RMSNorm(4), nn.InstanceNorm2d(2), nn.Softmax(dim=-1), nn.Softmax(3)),
        *(nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(3, 2, ceil_mode=True), nn.Upsample(size=(4, 4))),
        *(SqueezeExcitation(2), LocallyConnected2d(2, 2, 4, 1), Block(nn.Conv2d(2, 2, 1), nn.GroupNorm(1, 2))),
    ],
    ids=lambda module: type(module).__name__,
)
def test_what_looks_at_all_places_before_the_flattening_is_refused(module):
    network = nn.Sequential(nn.Conv2d(2, 2, 1), module, nn.Flatten(), nn.Linear(32, 3))
    with pytest.raises(
        SettingsError, match=f"^{type(module).__name__} '1' cannot be turned: it looks at all places of"
    ):
        as_convolution(network, (2, 4, 4))


@pytest.mark.parametrize(
    "module",
    [
        *(nn.Softmax(dim=1), nn.LogSoftmax(dim=-3), nn.MaxPool2d(3, 1), nn.LocalResponseNorm(2), nn.BatchNorm2d(2)),
        *(nn.Upsample(scale_factor=2), L2Pool2d(2, 1), Block(nn.Conv2d(2, 2, 3), nn.ReLU())),
    ],
    ids=lambda module: type(module).__name__,
)
def test_what_slides_before_the_flattening_answers_for_crops(module):
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(2, 2, 1), module).eval()
    image = torch.randn(1, 2, 9, 8)
    shape = features(image[:, :, 2:8, 1:7]).shape[1:]
    network = nn.Sequential(features, nn.Flatten(), nn.Linear(shape.numel(), 3)).eval()
    step = 2 if isinstance(module, nn.Upsample) else 1
    scores = as_convolution(network, shape)(image)
    equal(scores[:, :, 2 * step, step], network(image[:, :, 2:8, 1:7]))


@pytest.mark.parametrize("kind", [nn.Linear, nn.modules.linear.NonDynamicallyQuantizableLinear])
def test_a_container_of_another_class_is_not_copied_with_its_fully_connected_layers_in_it(kind):
    network = nn.Sequential(nn.Conv2d(1, 1, 1), Block(nn.Flatten(), kind(4, 2)))
    with pytest.raises(SettingsError, match=r"^Block '1' cannot be turned: it is or holds an nn.Linear or nn.Flatten"):
        as_convolution(network, (1, 2, 2))


def test_a_fully_connected_layer_of_another_class_is_not_copied():
    parametrised = parametrizations.weight_norm(nn.Linear(4, 2))
    with pytest.raises(SettingsError, match=r"^ParametrizedLinear '1' cannot be turned: it is or holds an nn.Linear"):
        as_convolution(flat(parametrised), (1, 2, 2))


def test_a_sequence_in_which_there_is_nothing_to_turn_is_refused():
    with pytest.raises(
        SettingsError, match=r"^the nn.Sequential has no nn.Linear, and so nothing to turn; give the part"
    ):
        as_convolution(nn.Sequential(nn.Conv2d(1, 1, 1), flat(nn.ReLU())), (1, 2, 2))


@pytest.mark.parametrize("name", ["", "0", "1", "1.0"])
@pytest.mark.parametrize("register", ["register_forward_hook", "register_forward_pre_hook"])
def test_hooks_on_what_is_turned_are_refused_and_not_lost(name, register):
    network = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(4, 2)))
    hook = getattr(network.get_submodule(name), register)(lambda *_: None)
    with pytest.raises(
        SettingsError, match=rf"{name}'? cannot be turned: its hooks would see other values, or nothing"
    ):
        as_convolution(network, (1, 2, 2))
    hook.remove()
    as_convolution(network, (1, 2, 2))


def test_hooks_on_what_is_copied_stay():
    seen, network = [], nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    network[0].register_forward_hook(lambda *_: seen.append("ReLU"))
    as_convolution(network, (1, 2, 2))(torch.zeros(1, 1, 2, 2))
    assert seen == ["ReLU"]


@pytest.mark.parametrize("shape", [400, (400,), (16, 5, 0), (16, 5.0, 5), None])
def test_a_shape_that_is_none_is_refused(shape):
    with pytest.raises(SettingsError, match=r"^shape is .*; expected \(C, H, W\)"):
        as_convolution(nn.Linear(400, 120), shape)
