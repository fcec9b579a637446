"""A folded network answers as the network does: by hand, against the network itself, and what else a copy must keep."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from striate.architectures.catalogue import create_model
from striate.errors import SettingsError
from striate.layers.folding import fold
from striate.layers.pairs import Pair, foldable

IMAGES = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(1))


def trained(network):
    """The network with statistics, scales and shifts as of a training."""
    chance = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for norm in (module for module in network.modules() if isinstance(module, _BatchNorm)):
            for numbers in norm.parameters(recurse=False):
                numbers.uniform_(-1.5, 1.5, generator=chance)
            norm.running_mean.uniform_(-0.3, 0.3, generator=chance)
            norm.running_var.uniform_(0.3, 3, generator=chance)
    return network


def norms(network):
    return [name for name, module in network.named_modules() if isinstance(module, _BatchNorm)]


def folded_as_well(network, *example, tolerance=1e-5):
    """The network folded, after both have given the same."""
    folded = fold(network, *example)
    with torch.no_grad():
        expected, given = network.eval()(*example), folded(*example)
    assert (given - expected).abs().max() <= tolerance * expected.abs().max()
    return folded


def conv(channels=3, outputs=4, window=3, **how):
    return nn.Conv2d(channels, outputs, window, **how)


def conv_and_norm():
    return trained(nn.Sequential(conv(), nn.BatchNorm2d(4)))


def test_a_fold_worked_by_hand():
    layer, norm = nn.Linear(1, 1), nn.BatchNorm1d(1, eps=1)
    numbers = [(layer.weight, 3), (layer.bias, 5), (norm.weight, 4), (norm.bias, 7), (norm.running_mean, 1)]
    for tensor, value in (*numbers, (norm.running_var, 3)):
        nn.init.constant_(tensor, value)
    folded = fold(nn.Sequential(layer, norm), torch.zeros(1, 1))
    assert folded[0].weight.item() == 6  # 3·4/√(3 + 1)
    assert folded[0].bias.item() == 15  # (5 - 1)·4/√(3 + 1) + 7
    assert type(folded[1]) is nn.Identity


def test_the_network_and_its_mode_are_left_as_they_were():
    network = nn.Sequential(*conv_and_norm(), nn.Dropout())
    network[2].eval()
    before = {name: numbers.clone() for name, numbers in network.state_dict().items()}
    folded = fold(network, IMAGES)
    assert [module.training for module in network.modules()] == [True, True, True, False]
    assert not any(module.training for module in folded.modules())
    assert all(numbers.equal(before[name]) for name, numbers in network.state_dict().items())
    assert not {p.data_ptr() for p in network.parameters()} & {p.data_ptr() for p in folded.parameters()}


def block(channels, width, stride):
    """A depthwise separable convolution, as in arXiv:1704.04861, table 1."""
    return nn.Sequential(
        conv(channels, channels, stride=stride, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        conv(channels, width, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU6(),
    )


def vgg_with_norms():
    stages = [[conv(c, k, padding=1), nn.BatchNorm2d(k), nn.ReLU(), nn.MaxPool2d(2)] for c, k in ((3, 8), (8, 16))]
    head = [nn.Flatten(), nn.Linear(64, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 5)]
    return nn.Sequential(*stages[0], *stages[1], *head)


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (lambda: create_model("resnet18", num_classes=10), (3, 64, 64)),
        (vgg_with_norms, (3, 9, 9)),
        (lambda: nn.Sequential(conv(3, 8), nn.BatchNorm2d(8), block(8, 12, 2), block(12, 16, 1)), (3, 15, 15)),
        (lambda: nn.Sequential(nn.ConvTranspose2d(6, 9, 3, 2, groups=3), nn.BatchNorm2d(9)), (6, 5, 5)),
        (lambda: nn.Sequential(nn.ConvTranspose1d(4, 6, 3, groups=2, bias=False), nn.BatchNorm1d(6)), (4, 5)),
        (lambda: nn.Sequential(nn.ConvTranspose3d(2, 4, 2), nn.BatchNorm3d(4)), (2, 3, 3, 3)),
        (lambda: nn.Sequential(nn.Linear(7, 5), nn.BatchNorm1d(5)), (7,)),
        (lambda: nn.Sequential(nn.Linear(7, 5, bias=False), nn.BatchNorm1d(5, affine=False)), (7,)),
        (lambda: nn.Sequential(nn.Conv1d(3, 5, 3), nn.BatchNorm1d(5)), (3, 8)),
        (lambda: nn.Sequential(nn.Conv3d(2, 5, 3), nn.BatchNorm3d(5)), (2, 4, 4, 4)),
        (lambda: nn.Sequential(conv(padding=1, padding_mode="circular"), nn.SyncBatchNorm(4)), (3, 6, 6)),
        (lambda: nn.Sequential(conv(padding="same"), nn.Dropout(), nn.Identity(), nn.BatchNorm2d(4)), (3, 6, 6)),
    ],
)
def test_no_batch_norm_is_left_and_the_outputs_are_the_same(network, shape):
    torch.manual_seed(0)
    assert norms(folded_as_well(trained(network()), torch.randn(2, *shape))) == []


def test_a_network_folded_twice_is_a_network_folded_once():
    once = fold(trained(vgg_with_norms()), IMAGES)
    assert foldable(once, IMAGES) == []
    assert fold(once, IMAGES)(IMAGES).equal(once(IMAGES))


def test_a_second_batch_norm_in_a_row_takes_a_second_fold():
    once = folded_as_well(trained(nn.Sequential(conv(), nn.BatchNorm2d(4), nn.BatchNorm2d(4))), IMAGES)
    assert norms(once) == ["2"]
    assert norms(folded_as_well(once, IMAGES)) == []


def test_a_network_without_batch_norms_is_copied():
    network = nn.Sequential(conv(), nn.ReLU())
    folded = folded_as_well(network, IMAGES, tolerance=0)
    assert folded is not network and folded[0] is not network[0]


class Activated(nn.BatchNorm2d):
    """Batch norm that calls its children afterwards, as timm's BatchNormAct2d."""

    def __init__(self, channels):
        super().__init__(channels)
        self.drop, self.act = nn.Dropout(), nn.SiLU(inplace=True)

    def forward(self, maps):
        return self.act(self.drop(super().forward(maps)))


def test_a_batch_norm_that_calls_its_children_becomes_their_sequence():
    folded = folded_as_well(trained(nn.Sequential(conv(), Activated(4))), IMAGES)
    assert type(folded[1]) is nn.Sequential
    assert [name for name, _ in folded[1].named_children()] == ["drop", "act"]


class Listed(nn.Module):
    """Modules that run from a plain list, of which torch knows nothing."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = conv_and_norm()
        self.again, self.steps = self.norm, [self.conv, self.norm]

    def forward(self, maps):
        return self.steps[1](self.steps[0](maps))


def test_a_module_is_folded_wherever_it_is_held():
    network = Listed()
    folded = folded_as_well(network, IMAGES)
    assert foldable(network, IMAGES) == [Pair("conv", "norm")]
    assert norms(folded) == [] and folded.steps[1] is folded.norm is folded.again


@pytest.mark.parametrize(("number_format", "tolerance"), [(torch.float16, 5e-3), (torch.bfloat16, 4e-2)])
def test_short_number_formats_stay_and_are_rounded_once(number_format, tolerance):
    network = conv_and_norm().to(number_format)
    folded = folded_as_well(network, IMAGES.to(number_format), tolerance=tolerance)
    exact = fold(network.double(), IMAGES.double())
    assert folded[0].weight.dtype == folded[0].bias.dtype == number_format
    assert folded[0].weight.equal(exact[0].weight.to(number_format))


def test_frozen_weights_stay_frozen_and_channels_stay_last():
    network = conv_and_norm().to(memory_format=torch.channels_last).requires_grad_(False)
    folded = fold(network, IMAGES)
    assert folded[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not any(numbers.requires_grad for numbers in folded.parameters())


def test_a_fold_in_inference_mode_can_be_trained_afterwards():
    with torch.inference_mode():
        network = nn.Sequential(conv(), nn.Dropout(), nn.BatchNorm2d(4), conv(4, 5, 7))
        folded = fold(network, IMAGES.clone())
    folded(IMAGES).sum().backward()
    assert norms(folded) == []
    assert folded[3].bias.grad.eq(2).all()


def test_a_folded_network_can_be_compiled_whole():
    folded = fold(trained(nn.Sequential(conv(3, 8), Activated(8), block(8, 12, 2))), IMAGES)
    compiled = torch.compile(folded, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(IMAGES), folded(IMAGES))


def test_a_compiled_network_is_folded_as_it_was_before():
    network = conv_and_norm()
    assert foldable(torch.compile(network, backend="eager"), IMAGES) == [Pair("0", "1")]


class Asking(nn.Module):
    """A pair of which the forward asks, by `question`, and gives something else if the answer is no."""

    def __init__(self, question, otherwise, **how):
        super().__init__()
        self.conv, self.norm = trained(nn.Sequential(conv(**how), nn.BatchNorm2d(4)))
        self.question, self.otherwise = question, otherwise

    def forward(self, maps):
        made = self.norm(self.conv(maps))
        return {"scores": [made if self.question(self) else self.otherwise(made)]}


@pytest.mark.parametrize(
    "question",
    [
        lambda network: isinstance(network.norm, nn.BatchNorm2d),
        lambda network: network.conv.bias is None,
        lambda network: len(list(network.parameters())) == 3,
    ],
)
@pytest.mark.parametrize(
    ("otherwise", "part"),
    [
        (lambda maps: maps * 1.5, "0.5"),
        (lambda maps: maps * torch.nan, "inf"),
        (lambda maps: maps[:, :, 1:], "inf"),
        (lambda maps: maps.sum().item(), "inf"),
    ],
)
def test_a_forward_that_asks_about_its_modules_is_refused_with_the_difference(question, otherwise, part):
    sentence = f"^on the example the folded network differs by {part} of its largest output: its forward asks about its"
    with pytest.raises(SettingsError, match=sentence):
        fold(Asking(question, otherwise, bias=False), IMAGES)


def test_a_forward_that_fails_without_its_batch_norm_is_refused_with_what_it_said():
    network = Asking(lambda network: network.norm.num_features, None)
    sentence = (
        r"^on the example the folded network fails \(AttributeError: 'Identity' object has no attribute 'num_feat"
    )
    with pytest.raises(SettingsError, match=sentence):
        fold(network, IMAGES)


def test_a_weight_that_is_kept_in_a_list_too_is_not_forgotten():
    network = Asking(lambda network: True, None)
    network.kept = [network.conv.bias]
    network.question = lambda network: network.kept[0] is network.conv.bias
    network.otherwise = lambda made: made + 1
    with pytest.raises(SettingsError, match=r"^on the example the folded network differs by"):
        fold(network, IMAGES)


class Noisy(nn.Module):
    """A network that gives something else each time."""

    def __init__(self):
        super().__init__()
        self.body = conv_and_norm()

    def forward(self, maps):
        return nn.functional.dropout(self.body(maps), training=True)


def test_a_network_that_gives_something_else_each_time_is_folded_unseen():
    assert norms(fold(Noisy(), IMAGES)) == []


@pytest.mark.parametrize("value", [0.0, 1e30, torch.inf])
def test_examples_that_overflow_or_are_zero_all_over_serve(value):
    assert norms(fold(conv_and_norm(), torch.full((1, 3, 9, 9), value))) == []


def test_numbers_that_overflow_only_when_merged_are_refused():
    layer, norm = conv(bias=False), nn.BatchNorm2d(4, eps=0)
    for numbers, value in ((layer.weight, 0.1), (norm.weight, 1000), (norm.running_var, 1e-6)):
        nn.init.constant_(numbers, value)
    with pytest.raises(SettingsError, match="differs by inf of its largest output"):  # 0.1·1000/√1e-6 is over 65504
        fold(nn.Sequential(layer, norm).half(), torch.full((1, 3, 9, 9), 1e-5).half())


def test_the_example_is_not_written_to():
    example = IMAGES.clone()
    fold(nn.Sequential(nn.ReLU(inplace=True), *conv_and_norm()), example)
    assert example.equal(IMAGES)


def test_a_network_without_numbers_is_folded_without_them():
    with torch.device("meta"):
        folded = fold(conv_and_norm(), torch.zeros(1, 3, 9, 9))
    assert norms(folded) == [] and folded[0].weight.is_meta


def test_errors_of_the_network_come_through():
    with pytest.raises(RuntimeError, match="to have 3 channels, but got 5"):
        fold(conv_and_norm(), torch.zeros(1, 5, 9, 9))
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        fold(conv_and_norm())


class Uncopyable(nn.Module):
    """A module that keeps what Python does not copy."""

    def __init__(self):
        super().__init__()
        self.kept = iter(value for value in ())


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ("resnet18", r"^the network is a str; expected a module of torch$"),
        (
            nn.Sequential(nn.LazyBatchNorm2d()),
            r"cannot be copied \(Attempted to use an uninit.*: run lazy modules once",
        ),
        (Uncopyable(), r"^the network cannot be copied \(cannot pickle 'generator' object\)"),
    ],
)
def test_what_cannot_be_folded_is_refused_in_a_sentence(network, sentence):
    with pytest.raises(SettingsError, match=sentence):
        fold(network, IMAGES)
