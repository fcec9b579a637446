"""Which batch norms may be folded: those whose layer nobody else looks at, and no others."""

import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize

from striate.errors import SettingsError
from striate.layers.folding import fold
from striate.layers.pairs import Pair, foldable

IMAGES = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(1))
PAIR = [Pair("conv", "norm")]


class Forward(nn.Module):
    """Modules with a forward that a test writes down; `steps` is its body."""

    def __init__(self, steps, **modules):
        super().__init__()
        self.steps = steps
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *inputs):
        return self.steps(self, *inputs)


def conv(channels=3, outputs=4, window=3, **how):
    return nn.Conv2d(channels, outputs, window, **how)


def conv_and_norm(steps=lambda self, x: self.norm(self.conv(x))):
    return Forward(steps, conv=conv(), norm=nn.BatchNorm2d(4))


def test_pairs_are_found_by_who_runs_and_not_by_names_or_order():
    network = conv_and_norm(lambda self, x: self.norm(self.before(self.first(x))).relu())
    network.conv, network.before, network.first = conv(4, 4), nn.BatchNorm2d(4), conv()
    assert foldable(network, IMAGES) == [Pair("first", "before")]
    network.steps = lambda self, x: self.conv(self.norm(self.first(x)))
    assert foldable(network, IMAGES) == [Pair("first", "norm")]


def test_several_inputs_are_several_arguments():
    network = conv_and_norm(lambda self, x, y: self.norm(self.conv(x)) + y)
    assert foldable(network, IMAGES, torch.ones(1)) == PAIR


@pytest.mark.parametrize("kept", [dict, list, lambda pairs: SimpleNamespace(**dict(pairs))])
def test_outputs_may_be_of_any_kind(kept):
    assert foldable(conv_and_norm(lambda self, x: kept([("maps", self.norm(self.conv(x)))])), IMAGES) == PAIR


def test_a_residual_may_tap_what_comes_after_the_batch_norm():
    network = conv_and_norm(lambda self, x: torch.relu_(y := self.norm(self.conv(x))) + y)
    assert foldable(network, IMAGES) == PAIR


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), conv()),
        nn.Sequential(conv(), nn.ReLU(), nn.BatchNorm2d(4)),
        nn.Sequential(conv(), nn.ReLU(inplace=True), nn.BatchNorm2d(4)),
        nn.Sequential(conv(), nn.BatchNorm2d(4, track_running_stats=False)),
        nn.Sequential(conv(), nn.InstanceNorm2d(4, track_running_stats=True)),
    ],
)
def test_batch_norm_must_follow_its_layer_and_use_running_statistics(network):
    assert foldable(network, IMAGES) == []


@pytest.mark.parametrize(
    "steps",
    [
        lambda self, y: self.norm(y) + y,
        lambda self, y: self.norm(y) + y.data,
        lambda self, y: self.norm(y) + y[:, :1],
        lambda self, y: self.norm(y) + float(y.detach().numpy().max()),
        lambda self, y: self.norm(y.add_(1)),
        lambda self, y: (y, self.norm(y)),
        lambda self, y: {"before": y, "after": self.norm(y)},
        lambda self, y: Features(y, self.norm(y)),
        lambda self, y: (vars(self).update(seen=y), self.norm(y)),
    ],
)
def test_nobody_else_may_see_what_the_layer_gives(steps):
    assert foldable(conv_and_norm(lambda self, x: steps(self, self.conv(x))), IMAGES) == []


@dataclass
class Features:
    """What a network may return, and torch knows nothing of."""

    before: Tensor
    after: Tensor


@pytest.mark.parametrize(
    "more",
    [
        lambda self, x, y: self.conv(x),
        lambda self, x, y: self.conv.forward(x),
        lambda self, x, y: self.norm(y),
        lambda self, x, y: self.norm.forward(y),
        lambda self, x, y: self.norm.weight.sum(),
        lambda self, x, y: self.conv.weight.norm(),
        lambda self, x, y: self.conv.bias.view(1, 4, 1, 1),
    ],
)
def test_layer_and_batch_norm_are_used_once(more):
    def steps(self, x):
        y = self.norm(self.conv(x))
        return y + more(self, x, y)

    assert foldable(conv_and_norm(steps), IMAGES) == []


def test_batch_norm_as_a_function_stays():
    def steps(self, x):
        return functional.batch_norm(self.conv(x), self.norm.running_mean, self.norm.running_var)

    assert foldable(conv_and_norm(steps), IMAGES) == []


def without_gradients(self, x):
    with torch.inference_mode():
        return self.norm(self.layer(x))


def test_axes_that_are_no_channels_are_not_taken_for_them():
    rows = torch.randn(2, 4, 7)
    linear = {"layer": nn.Linear(7, 4), "norm": nn.BatchNorm1d(4)}  # (N, L, K): batch norm takes L for channels
    assert foldable(nn.Sequential(*linear.values()), rows) == []
    assert foldable(Forward(without_gradients, **linear), rows) == []
    assert foldable(Forward(without_gradients, **linear), rows[0]) == [Pair("layer", "norm")]
    assert foldable(nn.Sequential(nn.Conv1d(4, 5, 3), nn.BatchNorm1d(5)), rows[0]) == []  # (K, L), no batch


@pytest.mark.parametrize(
    ("layer", "norm", "view", "shape"),
    [
        (nn.Linear(7, 5), nn.BatchNorm1d(5), lambda y: y.flatten(0, 1), (2, 4, 7)),  # LeViT
        (nn.Linear(7, 4, bias=False), nn.BatchNorm1d(4), lambda y: y.flatten(0, 1), (2, 4, 7)),
        (nn.Linear(7, 5), nn.BatchNorm1d(5), lambda y: y.transpose(1, 2), (2, 4, 7)),
        (nn.Linear(7, 4), nn.BatchNorm1d(4), lambda y: y.transpose(1, 2), (2, 4, 7)),
        (nn.Conv2d(3, 5, 3), nn.BatchNorm1d(5), lambda y: y.flatten(2), (2, 3, 7, 7)),
        (nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), lambda y: y.mT, (2, 3, 7, 7)),
        (nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), lambda y: y[None], (3, 7, 7)),
        (nn.Conv2d(3, 5, 3), nn.BatchNorm1d(5), lambda y: y.unsqueeze(0).flatten(2), (3, 7, 7)),
        (nn.Conv2d(3, 5, 7), nn.BatchNorm1d(5), lambda y: y.flatten(1), (2, 3, 7, 7)),
    ],
)
def test_batch_norm_may_take_another_view_of_all_that_the_layer_gives(layer, norm, view, shape):
    torch.manual_seed(0)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.running_mean)
    network, example = Forward(lambda self, x: self.norm(view(self.conv(x))), conv=layer, norm=norm), torch.randn(shape)
    assert foldable(network, example) == PAIR
    torch.testing.assert_close(fold(network, example)(example), network.eval()(example), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "view", "shape"),
    [
        (nn.Linear(7, 4), lambda y: y.flatten(0, 1).view(4, 4, 2).transpose(0, 1), (2, 4, 7)),
        (nn.Linear(7, 4), lambda y: y.view(2, 4, 4), (2, 4, 7)),
        (nn.Conv2d(3, 4, 3), lambda y: y.transpose(1, 2), (2, 3, 6, 9)),
        (nn.Conv2d(3, 4, 3), lambda y: y.view(4, 4, 4, 2), (2, 3, 6, 6)),
        (nn.Conv2d(3, 8, 3), lambda y: y[:, 4:], (2, 3, 6, 6)),
        (nn.Conv2d(3, 4, 3), lambda y: y.flatten(0, 1)[1:5][None], (2, 3, 6, 6)),
        (nn.Conv2d(3, 4, 3), lambda y: torch.cat([y, y]), (2, 3, 6, 6)),
        (nn.Conv2d(3, 2, 3), lambda y: torch.cat([y, y.flip(1)], 1), (2, 3, 6, 6)),
        (nn.Conv2d(3, 4, 3), lambda y: (y.view(-1).add_(1), y)[1], (2, 3, 6, 6)),
    ],
)
def test_a_view_in_which_channels_lie_elsewhere_or_not_all_is_none(layer, view, shape):
    steps = {3: nn.BatchNorm1d, 4: nn.BatchNorm2d}
    network = Forward(lambda self, x: self.norm(view(self.conv(x))), conv=layer, norm=steps[len(shape)](4))
    assert foldable(network, torch.randn(shape)) == []


@pytest.mark.parametrize(
    "look",
    [
        lambda y: y.detach().numpy().max(),
        lambda y: y.view(-1).numpy().max(),
        lambda y: y.flatten(2).sum(),
        lambda y: y.view(y.shape).numpy().max(),
    ],
)
def test_nobody_else_may_take_a_view(look):
    assert foldable(conv_and_norm(lambda self, x: self.norm(y := self.conv(x)) + float(look(y))), IMAGES) == []


def test_tied_weights_stay_tied():
    network = conv_and_norm(lambda self, x: self.norm(self.conv(self.tied(x))))
    network.conv, network.tied, network.norm = conv(3, 3), conv(3, 3), nn.BatchNorm2d(3)
    assert foldable(network, IMAGES) == PAIR
    network.tied.weight = network.conv.weight
    assert foldable(network, IMAGES) == []


@pytest.mark.parametrize("name", ["conv", "norm"])
@pytest.mark.parametrize("register", ["register_forward_hook", "register_forward_pre_hook"])
def test_modules_with_hooks_stay(name, register):
    network = conv_and_norm()
    hook = getattr(network.get_submodule(name), register)(lambda *_: None)
    assert foldable(network, IMAGES) == []
    hook.remove()
    assert foldable(network, IMAGES) == PAIR


def test_parametrised_modules_stay():
    assert foldable(nn.Sequential(parametrizations.weight_norm(conv()), nn.BatchNorm2d(4)), IMAGES) == []
    network = conv_and_norm()
    parametrize.register_parametrization(network.norm, "weight", nn.Identity())
    assert foldable(network, IMAGES) == []


class Standardised(nn.Conv2d):
    """A convolution that uses other weights than it holds."""

    def forward(self, maps):
        return self._conv_forward(maps, self.weight - self.weight.mean(), self.bias)


class Forgetful(nn.Conv2d):
    """A convolution that would not use a bias if it had one."""

    def forward(self, maps):
        return self._conv_forward(maps, self.weight, None)


@pytest.mark.parametrize("kind", [Standardised, Forgetful])
def test_a_convolution_with_a_forward_of_its_own_stays(kind):
    assert foldable(nn.Sequential(kind(3, 4, 3, bias=False), nn.BatchNorm2d(4)), IMAGES) == []


def test_a_convolution_whose_forward_was_replaced_stays():
    network = conv_and_norm()
    original = network.conv
    original.forward = lambda maps: original._conv_forward(maps, original.weight, original.bias)
    assert foldable(network, IMAGES) == []


class Special(nn.BatchNorm2d):
    """Batch norm with two children and a forward that a test writes down; `steps` is its body."""

    def __init__(self, steps):
        super().__init__(4)
        self.drop, self.act, self.steps = nn.Dropout(), nn.SiLU(inplace=True), steps

    def forward(self, maps):
        return self.steps(self, maps)

    def normalised(self, maps, **how):
        """As batch norm does it, unless told otherwise."""
        numbers = {"weight": self.weight, "bias": self.bias} | how
        return functional.batch_norm(maps, self.running_mean, self.running_var, **numbers)


def test_a_batch_norm_may_call_its_children_in_turn():
    network = nn.Sequential(conv(), Special(lambda self, x: self.act(self.drop(self.normalised(x)))))
    assert foldable(network, IMAGES) == [Pair("0", "1")]


@torch.library.custom_op("striate_tests::rectified", mutates_args=())
def rectified(maps: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Batch norm and more in one operation, as in libraries with kernels of their own."""
    return functional.batch_norm(maps, mean, variance, weight, bias).relu()


@pytest.mark.parametrize(
    "steps",
    [
        lambda self, x: self.drop(self.act(self.normalised(x))),
        lambda self, x: self.act(self.normalised(x)),
        lambda self, x: self.act(self.drop(self.normalised(x))) * 2,
        lambda self, x: self.act(self.drop(self.normalised(x).mul_(2))),
        lambda self, x: (y := self.normalised(x)) + self.act(self.drop(y)),
        lambda self, x: (self.drop(self.normalised(x)), self.act(torch.zeros(1)))[0],
        lambda self, x: (self.act(self.drop(self.normalised(x))), x),
        lambda self, x: self.act(self.drop(input=self.normalised(x))),
        lambda self, x: self.act(self.drop(self.normalised(x, training=True))),
        lambda self, x: self.act(self.drop(self.normalised(x, weight=self.weight + 1))),
        lambda self, x: self.act(self.drop(self.normalised(x, bias=None))),
        lambda self, x: self.act(self.drop(rectified(x, self.weight, self.bias, self.running_mean, self.running_var))),
    ],
)
def test_a_batch_norm_that_does_anything_else_stays(steps):
    assert foldable(nn.Sequential(conv(), Special(steps)), IMAGES) == []


def test_a_batch_norm_by_numbers_that_are_not_its_own_stays():
    norm = Special(lambda self, x: self.act(self.drop(self.normalised(x, weight=torch.ones(4)))))
    norm.weight = norm.bias = None
    assert foldable(nn.Sequential(conv(), norm), IMAGES) == []
    norm.steps = lambda self, x: self.act(self.drop(self.normalised(x)))
    assert foldable(nn.Sequential(conv(), norm), IMAGES) == [Pair("0", "1")]


def test_what_failed_and_was_caught_is_not_taken_for_a_run():
    def steps(self, x):
        try:
            y = self.conv(x[:, :2])
        except RuntimeError:
            y = functional.conv2d(x, self.conv.weight)
        return self.norm(y)

    assert foldable(conv_and_norm(steps), IMAGES) == []


def test_a_hook_that_refuses_to_run_its_module_may_be_caught():
    def refuse(module, inputs):
        raise ValueError("not today")

    def steps(self, x):
        try:
            return self.other(x)
        except ValueError:
            return self.norm(self.conv(x))

    network = conv_and_norm(steps)
    network.other = nn.Identity()
    network.other.register_forward_pre_hook(refuse)
    assert foldable(network, IMAGES) == PAIR


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted_modules_and_sparse_tensors_do_no_harm():
    scripted = torch.jit.script(nn.Sequential(conv(), nn.BatchNorm2d(4)))
    sparse = Forward(lambda self, x: torch.sparse.mm(x.flatten(1).to_sparse(), torch.eye(196)).view(2, 4, 7, 7))
    network = nn.Sequential(scripted, sparse, conv(4, 5), nn.BatchNorm2d(5))
    assert foldable(network, IMAGES) == [Pair("2", "3")]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("made", [torch.jit.script, lambda network: torch.jit.trace(network, IMAGES)])
def test_a_network_whose_modules_are_gone_is_refused(made):
    with pytest.raises(
        SettingsError, match=r"^the network is scripted or traced, and its modules are gone: fold it bef"
    ):
        foldable(made(nn.Sequential(conv(), nn.BatchNorm2d(4)).eval()), IMAGES)


@pytest.mark.parametrize("example", [IMAGES[:0], IMAGES[..., :0]])
def test_an_example_without_values_is_refused(example):
    shape = ", ".join(map(str, example.shape))
    with pytest.raises(
        SettingsError, match=rf"^the example is \({shape}\), without values; expected one image at least$"
    ):
        foldable(conv_and_norm(), example)


def test_a_part_that_is_compiled_is_seen_through_and_nothing_is_printed(capfd):
    def refuse(graph, inputs):
        raise AssertionError("compiled")

    network = nn.Sequential(torch.compile(nn.Sequential(conv(), nn.BatchNorm2d(4)), backend=refuse), nn.ReLU())
    assert foldable(network, IMAGES) == [Pair("0._orig_mod.0", "0._orig_mod.1")]
    network = nn.Sequential(conv(), nn.BatchNorm2d(4))
    network.compile(backend=refuse)
    assert len(foldable(nn.Sequential(network), IMAGES)) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_the_compiler_is_not_imported_for_it():
    code = (
        "import sys, torch; from torch import nn; from striate.layers.folding import fold;"
        "fold(nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)), torch.ones(1, 1, 1, 1));"
        "print('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "False\n"
