"""Networks that hypothesis draws: folding changes no output, and folds what may be folded by counting on paper."""

from collections import Counter, defaultdict

import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from striate.layers.folding import fold
from striate.layers.pairs import Pair, foldable

KINDS = ("conv", "norm", "relu", "relu_", "add", "again")
numbers = some.integers(0, 9)
webs = some.lists(some.tuples(some.sampled_from(KINDS), numbers, numbers), max_size=9)
chains = some.lists(some.sampled_from(KINDS[:3]), max_size=9).map(
    lambda kinds: [(kind, number, number) for number, kind in enumerate(kinds)]
)


class Drawn(nn.Module):
    """Steps (name, one value, other value), each of which makes a value of 3 channels of 4×4; two values are returned.

    `again` runs a module that an earlier step has run.
    """

    def __init__(self, drawn, returned, order):
        super().__init__()
        modules, self.steps, self.returned = {}, [], (returned % (len(drawn) + 1), len(drawn))
        for number, (kind, one, other) in enumerate(drawn):
            name = f"{kind}{number}"
            if kind == "again":
                name = list(modules)[other % len(modules)] if modules else "relu"
            if kind == "conv":
                modules[name] = nn.Conv2d(3, 3, 3, padding=1, bias=other % 2 == 0)
            if kind == "norm":
                modules[name] = nn.BatchNorm2d(3)
            self.steps.append((name, one % (number + 1), other % (number + 1)))
        for _, name in sorted(zip(order, modules, strict=False)):  # in another order than they run
            self.add_module(name, modules[name])

    def forward(self, image):
        values = [image.clone()]
        for name, one, other in self.steps:
            values.append(self.step(name, values[one], values[other]))
        return [values[index] for index in self.returned]

    def step(self, name, one, other):
        if name.startswith(("conv", "norm")):
            return self.get_submodule(name)(one)
        return one + other if name.startswith("add") else one.relu_() if name.startswith("relu_") else one.relu()

    def pairs(self):
        """Those whose value has one user; a value that `relu_` makes is the one that it was given."""
        same, users, times = [0], defaultdict(list), Counter(name for name, _, _ in self.steps)
        for number, (name, one, other) in enumerate(self.steps, start=1):
            same.append(same[one] if name.startswith("relu_") else number)
            for value in (one, other) if name.startswith("add") else (one,):
                users[same[value]].append(name)
        for value in self.returned:
            users[same[value]].append("output")
        made = [(name, users[number]) for number, (name, _, _) in enumerate(self.steps, start=1)]
        alone = [(name, used[0]) for name, used in made if name.startswith("conv") and len(used) == times[name] == 1]
        return {Pair(name, norm) for name, norm in alone if norm.startswith("norm") and times[norm] == 1}


def norms(network):
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@given(webs | chains, numbers, some.permutations(range(9)))
def test_networks_drawn_at_random_give_the_same_and_fold_what_may_be_folded(drawn, returned, order):
    network = Drawn(drawn, returned, order).double()
    image = torch.linspace(-1, 1, 96, dtype=torch.float64).view(2, 3, 4, 4)
    network(image)  # in training: statistics of its own
    folded = fold(network, image)
    torch.testing.assert_close(folded(image), network.eval()(image), rtol=1e-9, atol=1e-9)
    assert set(foldable(network, image)) == network.pairs()
    assert norms(folded) == norms(network) - len(network.pairs())
