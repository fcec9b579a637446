"""The oracle of the receptive fields: where the gradient of a unit with respect to the image is not zero.

Weights and images are positive, so that nothing cancels; float64, so that nothing vanishes. A span of the follower
may reach into the padding: it is cut at the image's border before the two are compared.
"""

from itertools import product

import pytest
import torch
from torch import nn
from torch.func import functional_call

from striate.description.fields.follower import Follower
from striate.description.meta import MetaMode, in_mode_of, meta_state
from striate.description.operations import arguments_of


class Following(MetaMode):
    def __init__(self, image):
        super().__init__()
        self.follower = Follower(image)

    def _seen(self, func, args, kwargs, result):
        self.follower.follow(func, arguments_of(func, args, kwargs), result)


def outputs_of(network, run):
    """What each module gives while `run` runs, by name."""
    outputs = {}
    handles = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: outputs.update({name: output}))
        for name, module in network.named_modules()
    ]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return {name: output for name, output in outputs.items() if isinstance(output, torch.Tensor)}


def reaches_of(network, shape):
    """By module the reach of its output, and the follower's list of what it lost."""
    image = torch.empty((1, *shape), device="meta")
    mode = Following(image)
    with in_mode_of(network, training=False), torch.no_grad(), mode:
        outputs = outputs_of(network, lambda: functional_call(network, meta_state(network), image))
    return {name: mode.follower.reach(output) for name, output in outputs.items()}, tuple(mode.follower.lost)


def supports_of(network, shape):
    """By module a function: the first and last pixel along each axis that change the units at these positions."""
    network.double().eval()
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    image = (torch.rand(1, *shape, dtype=torch.float64) + 0.5).requires_grad_()
    outputs = outputs_of(network, lambda: network(image))

    def support(name, places):
        output = outputs[name]
        for dim, place in places.items():
            output = output.narrow(dim, place, 1)
        weights = torch.rand_like(output) + 0.5
        gradient = torch.autograd.grad((output * weights).sum(), image, retain_graph=True)[0][0].abs().sum(0)
        spans = []
        for axis in range(gradient.dim()):
            others = [other for other in range(gradient.dim()) if other != axis]
            seen = (gradient.sum(others) if others else gradient).nonzero().flatten()
            spans.append((int(seen[0]), int(seen[-1])) if len(seen) else None)
        return tuple(spans)

    return {name: output.shape for name, output in outputs.items()}, support


def expected(reach, places, size):
    """The follower's spans of the units at these positions, cut at the border; None where nothing is seen."""
    cut = []
    for axis, length in zip(reach, size, strict=True):
        unit = sum(places[part.dim] // part.apart % part.count * part.weight for part in axis.parts)
        span = axis.field.span(unit)
        if span is None or span[1] < 0 or span[0] >= length:
            return (None,) * len(size)
        cut.append((max(0, span[0]), min(length - 1, span[1])))
    return tuple(cut)


@pytest.fixture
def compare():
    """`compare(network, shape)` gives, for units of every module, what the gradient says and what the follower says."""

    def pairs(network, shape):
        torch.manual_seed(0)
        reaches, lost = reaches_of(network, shape)
        assert lost == ()
        shapes, support = supports_of(network, shape)
        assert shapes.keys() == reaches.keys()
        found = []
        for name, reach in reaches.items():
            along = {part.dim for axis in reach for part in axis.parts}
            dims = sorted(along | set(range(2, len(shapes[name]))))  # dimension 1 holds maps, which see as one
            for chosen in product(*({0, shapes[name][dim] // 2, shapes[name][dim] - 1} for dim in dims)):
                places = dict(zip(dims, chosen, strict=True))
                found.append(((name, places), support(name, places), expected(reach, places, shape[1:])))
        return found

    return pairs


@pytest.fixture
def same_support(compare):
    """Assert that both say the same of every unit."""

    def check(network, shape):
        for unit, by_gradient, by_arithmetic in compare(network, shape):
            assert (unit, by_arithmetic) == (unit, by_gradient)

    return check
