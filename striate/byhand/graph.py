"""A computational graph: operations that take each other's values by name, and reverse mode through it.

Source: D4, "Back-propagation": recursive application of the chain rule along a computational graph.
"""

from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any

import numpy as np

from striate.byhand.operation import Array, Gradients, Operation, numbers
from striate.errors import SettingsError, StriateError, UnknownNameError


class Graph(Operation):
    """Nodes by name in the order of computing, each an operation and the names of its inputs; the last is the result.

    A name that is no node is a leaf: data or a trained array. A value used in several places is a branch, whose
    gradients are added up; so is an array that several nodes share. A graph is itself an operation, on its leaves in
    their order of first use, and may be a node of another.

    >>> from striate.byhand.linear import Linear
    >>> from striate.byhand.losses import SquaredNorm
    >>> length = Graph({"s": (Linear(), "x", "W"), "L": (SquaredNorm(), "s")})  # f(x, W) = ‖Wx‖²
    >>> length.run(x=np.array([[0.2, 0.4]]), W=np.array([[0.1, 0.5], [-0.3, 0.8]]))
    array(0.116)
    >>> length.gradients()["W"].round(4).tolist()
    [[0.088, 0.176], [0.104, 0.208]]
    """

    def __init__(self, nodes: Mapping[str, tuple[Operation, *tuple[str, ...]]]) -> None:
        self.nodes = dict(nodes)
        used = dict.fromkeys(name for _, *inputs in self.nodes.values() for name in inputs)
        self.leaves = tuple(name for name in used if name not in self.nodes)
        self.values: dict[str, Array] = {}
        self._check()

    def __setattr__(self, name: str, value: Any) -> None:
        """Hand `training` on to every node."""
        if name == "training":
            for operation, *_ in self.nodes.values():
                operation.training = value
        super().__setattr__(name, value)

    def run(self, **leaves: Array) -> Array:
        """The result, from every leaf by name; `values` then holds all. Raises SettingsError for other leaves."""
        if set(leaves) != set(self.leaves):
            wrong = [f"{name} is missing" for name in self.leaves if name not in leaves]
            wrong += [f"{name} is none of them" for name in leaves if name not in self.leaves]
            raise SettingsError(f"the leaves of the graph are {', '.join(self.leaves)}; {', '.join(wrong)}")
        self.values = {}
        values = {name: numbers(leaf) for name, leaf in leaves.items()}
        for name, (operation, *inputs) in self.nodes.items():
            values[name] = operation.forward(*(values[source] for source in inputs))
        self.values, self._shape = values, values[name].shape
        return values[name]

    def gradients(self, dy: Array | None = None) -> dict[str, Array]:
        """The gradient by every value and leaf that the result depends on; dy is that by the result, 1 if not given."""
        if not self.values:
            raise StriateError("the graph was asked for its gradients before its value: call run or forward first")
        result = next(reversed(self.nodes))
        gradients = {result: np.ones_like(self.values[result]) if dy is None else dy}
        for name, (operation, *inputs) in reversed(self.nodes.items()):
            if name in gradients:
                for source, gradient in zip(inputs, operation.backward(gradients[name]), strict=False):
                    if gradient is not None:
                        gradients[source] = gradients[source] + gradient if source in gradients else gradient
        return gradients

    def forward(self, *inputs: Any, **_: Any) -> Array:
        """The result, from the leaves in their order. Raises SettingsError for more or fewer."""
        if len(inputs) != len(self.leaves):
            raise SettingsError(f"{len(inputs)} arrays for {len(self.leaves)} leaves, {', '.join(self.leaves)}")
        return self.run(**dict(zip(self.leaves, inputs, strict=True)))

    def backward(self, dy: Array) -> Gradients:
        """The gradient by each leaf, in their order."""
        gradients = self.gradients(dy)
        return tuple(gradients.get(leaf) for leaf in self.leaves)

    def until(self, name: str) -> "Graph":
        """The part that leads to one node, with the same operations: to predict without what the loss needs."""
        if name not in self.nodes:
            raise UnknownNameError("node", name, self.nodes)
        needed = {name}
        nodes: dict[str, tuple[Operation, *tuple[str, ...]]] = {}
        for node, (operation, *inputs) in reversed(self.nodes.items()):
            if node in needed:
                needed |= set(inputs)
                nodes[node] = (operation, *inputs)
        return Graph({node: nodes[node] for node in reversed(nodes)})

    def _operations(self) -> Iterator[Operation]:
        """Those of the nodes, and of the graphs among them."""
        for operation, *_ in self.nodes.values():
            yield operation
            if isinstance(operation, Graph):
                yield from operation._operations()

    def _check(self) -> None:
        for name, (operation, *inputs) in self.nodes.items():
            if not isinstance(operation, Operation):
                raise SettingsError(f"{name} is {operation!r}; expected an operation and its inputs, as (ReLU(), 'x')")
            takes = signature(operation.forward)
            try:
                takes.bind(*inputs)
            except TypeError as error:
                came = f"{name} has {len(inputs)} inputs; {type(operation).__name__} takes"
                raise SettingsError(f"{came} {', '.join(takes.parameters)}") from error
        if not self.nodes or len(set(map(id, self._operations()))) < len(list(self._operations())):
            raise SettingsError(
                "a graph needs at least one node, and for each an operation of its own, to keep its values"
            )
        known = set(self.leaves)
        for name, (_, *inputs) in self.nodes.items():
            if late := [source for source in inputs if source not in known]:
                raise SettingsError(f"{name} needs {', '.join(late)}, which the graph computes later: put it first")
            known.add(name)
