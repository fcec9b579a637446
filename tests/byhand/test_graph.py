"""A computational graph: branches add up, graphs nest, and graphs drawn at random have autograd's gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.byhand import (
    Add,
    BatchNormalisation,
    Concatenate,
    Convolution,
    CrossEntropy,
    Graph,
    Linear,
    ReLU,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    SquaredNorm,
    Tanh,
)
from striate.errors import SettingsError, SizeError, StriateError

KINDS = {  # a node by hand, and the same in torch
    "add": (Add, lambda *branches: torch.stack(branches).sum(0)),
    "concatenate": (Concatenate, lambda *branches: torch.cat(branches, dim=1)),
    "bend": (Tanh, torch.tanh),
    "convolve": (Convolution, functional.conv1d),
}


@some.composite
def drawings(draw):
    """Nodes of a graph by name, each its kind and its inputs, and the shapes of all leaves."""
    leaves = {"x": (2, draw(some.integers(1, 2)), 3), "y": (2, 2, 3)}
    channels, nodes = {name: shape[1] for name, shape in leaves.items()}, {}
    for number in range(draw(some.integers(1, 8))):
        name, kind = f"v{number}", draw(some.sampled_from(list(KINDS)))
        inputs = draw(some.lists(some.sampled_from(list(channels)), min_size=1, max_size=3))
        channels[name] = channels[inputs[0]]
        if kind == "add":
            inputs = [other for other in inputs if channels[other] == channels[name]]
        elif kind == "concatenate":
            channels[name] = sum(channels[other] for other in inputs)
        else:
            inputs = inputs[:1]
        if kind == "convolve":
            leaves[f"A{number}"], channels[name] = (2, channels[inputs[0]], 1), 2
            inputs.append(f"A{number}")
        nodes[name] = (kind, *inputs)
    return nodes, leaves


@settings(max_examples=120)
@given(drawings())
def test_a_graph_drawn_at_random_has_autograds_gradients_and_none_off_its_way(agree, drawing):
    nodes, shapes = drawing
    graph = Graph({name: (KINDS[kind][0](), *inputs) for name, (kind, *inputs) in nodes.items()})

    def reference(*leaves):
        values = dict(zip(graph.leaves, leaves, strict=True))
        for name, (kind, *inputs) in nodes.items():
            values[name] = KINDS[kind][1](*(values[source] for source in inputs))
        return values[name]

    agree(graph, reference, *(shapes[leaf] for leaf in graph.leaves))


def test_the_gradients_of_a_diamond_are_added_up():
    diamond = Graph({"a": (SquaredNorm(), "x"), "b": (SquaredNorm(3.0), "x"), "L": (Add(), "a", "b")})
    assert diamond.run(x=np.array([1.0, 2.0])) == 20
    assert diamond.gradients()["x"].tolist() == [8, 16]  # 2x + 6x


def test_an_array_that_two_layers_share_has_the_gradients_of_both(agree):
    shared = Graph({"h": (Linear(), "x", "W"), "p": (Sigmoid(), "h"), "y": (Linear(), "p", "W")})
    agree(shared, lambda x, W: functional.linear(torch.sigmoid(functional.linear(x, W)), W), (4, 3), (3, 3))


def test_a_residual_connection_passes_the_gradient_on_unchanged():
    block = Graph({"f": (Linear(), "x", "W"), "y": (Add(), "f", "x")})
    block.run(x=np.ones((2, 3)), W=np.zeros((3, 3)))
    dy = np.random.default_rng(0).normal(size=(2, 3))
    assert (block.gradients(dy)["x"] == dy).all()  # H(x) = x where F(x) = 0


def test_softmax_then_cross_entropy_are_the_one_that_is_both(agree):
    two = Graph({"p": (Softmax(), "s"), "L": (CrossEntropy(), "p", "y")})
    agree(two, functional.cross_entropy, (3, 4), np.array([3, 0, 1]))
    agree(SoftmaxCrossEntropy(), functional.cross_entropy, (3, 4), np.array([3, 0, 1]))


def test_a_graph_is_a_node_of_another(agree):
    inner = Graph({"s": (Linear(), "x", "W", "b"), "p": (Tanh(), "s")})
    outer = Graph({"h": (inner, "x", "W1", "b1"), "y": (Linear(), "h", "W2")})

    def reference(x, W1, b1, W2):
        return functional.linear(torch.tanh(functional.linear(x, W1, b1)), W2)

    agree(outer, reference, (4, 3), (5, 3), (5,), (2, 5))


def test_an_inner_graph_is_in_training_or_in_a_test_as_the_outer():
    inner = Graph({"y": (ReLU(), "x")})
    outer = Graph({"y": (inner, "x")})
    outer.training = False
    outer.run(x=np.ones(1))
    assert inner.training is inner.nodes["y"][0].training is False


def test_a_branch_that_does_not_reach_the_loss_has_no_gradient():
    graph = Graph({"unused": (SquaredNorm(), "W"), "L": (SquaredNorm(), "x")})
    graph.run(x=np.ones(2), W=np.ones(3))
    assert set(graph.gradients()) == {"x", "L"}
    dx = dict(zip(graph.leaves, graph.backward(np.array(1.0)), strict=True))
    assert dx["W"] is None
    assert dx["x"].tolist() == [2, 2]


def test_without_a_gradient_by_the_result_it_is_1_for_each_of_its_numbers():
    graph = Graph({"y": (ReLU(), "x")})
    graph.run(x=np.array([-1.0, 3.0]))
    assert {name: value.tolist() for name, value in graph.gradients().items()} == {"y": [1, 1], "x": [0, 1]}


def test_the_values_of_all_nodes_can_be_seen():
    graph = Graph({"s": (ReLU(), "x"), "L": (SquaredNorm(), "s")})
    graph.run(x=np.array([-1.0, 3.0]))
    assert {name: value.tolist() for name, value in graph.values.items()} == {"x": [-1, 3], "s": [0, 3], "L": 9}
    assert {name: value.tolist() for name, value in graph.gradients().items()} == {"x": [0, 6], "s": [0, 6], "L": 1}


TWICE = ReLU()


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ({}, "a graph needs at least one node"),
        ({"a": (TWICE, "x"), "b": (TWICE, "a")}, "for each an operation of its own"),
        ({"a": (ReLU(), "b"), "b": (ReLU(), "x")}, r"^a needs b, which the graph computes later: put it first$"),
        ({"a": (ReLU(), "a")}, "a needs a, which the graph computes later"),
        ({"a": (ReLU(), "x", "y")}, r"^a has 2 inputs; ReLU takes s$"),
        ({"a": (Linear(), "x")}, r"^a has 1 inputs; Linear takes x, W, b$"),
    ],
)
def test_a_drawing_that_is_no_graph_is_refused(nodes, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Graph(nodes)


@pytest.mark.parametrize(
    ("leaves", "sentence"),
    [
        ({}, r"^the leaves of the graph are x, W; x is missing, W is missing$"),
        ({"x": 0}, "the leaves of the graph are x, W; W is missing"),
        ({"x": 0, "W": 0, "b": 0}, "the leaves of the graph are x, W; b is none of them"),
        ({"x": 0, "w": 0}, "W is missing, w is none of them"),
    ],
)
def test_leaves_that_are_not_the_graphs_are_named(leaves, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Graph({"s": (Linear(), "x", "W")}).run(**leaves)


def test_too_few_arrays_in_a_row_are_counted():
    with pytest.raises(SettingsError, match=r"^1 arrays for 2 leaves, x, W$"):
        Graph({"s": (Linear(), "x", "W")}).forward(np.ones((1, 1)))


def test_gradients_are_asked_for_after_the_value_and_in_its_shape():
    graph = Graph({"y": (ReLU(), "x")})
    with pytest.raises(StriateError, match="before its value: call run or forward first"):
        graph.gradients()
    graph.run(x=np.ones((2, 3)))
    with pytest.raises(SizeError, match=r"dy is \(3,\); the value of ReLU is \(2, 3\)"):
        graph.gradients(np.ones(3))


def test_an_operation_may_not_be_shared_with_a_graph_within():
    bend = Tanh()
    with pytest.raises(SettingsError, match="an operation of its own"):
        Graph({"h": (Graph({"y": (bend, "x")}), "x"), "z": (bend, "h")})


def test_a_run_that_fails_leaves_no_values_of_the_one_before():
    graph = Graph({"s": (Linear(), "x", "W")})
    graph.run(x=np.ones((2, 3)), W=np.ones((4, 3)))
    with pytest.raises(SizeError):
        graph.run(x=np.ones((2, 5)), W=np.ones((4, 3)))
    with pytest.raises(StriateError, match="before its value"):
        graph.gradients()


def test_the_part_that_leads_to_a_node_needs_no_labels():
    graph = Graph({"s": (Linear(), "x", "W"), "p": (Softmax(), "s"), "L": (CrossEntropy(), "p", "y")})
    x, W = np.ones((2, 3)), np.ones((4, 3))
    graph.run(x=x, W=W, y=np.array([0, 3]))
    predicting = graph.until("p")
    assert predicting.leaves == ("x", "W")
    np.testing.assert_array_equal(predicting.run(x=x, W=W), graph.values["p"])
    with pytest.raises(StriateError, match="unknown node 'q'"):
        graph.until("q")


def test_training_is_handed_on_when_it_is_set_and_left_alone_by_a_run():
    inner = BatchNormalisation()
    graph = Graph({"n": (Graph({"y": (inner, "x", "one", "zero")}), "x", "one", "zero")})
    graph.training = False
    assert not inner.training
    inner.training = True
    graph.run(x=np.arange(6.0).reshape(3, 2), one=np.ones(2), zero=np.zeros(2))
    assert inner.training


@pytest.mark.parametrize("node", [(ReLU, "x"), ("relu", "x")])
def test_a_node_that_is_no_operation_is_answered_with_how_to_write_one(node):
    with pytest.raises(SettingsError, match=r"h is .*; expected an operation and its inputs, as \(ReLU\(\), 'x'\)"):
        Graph({"h": node})


def test_a_gradient_that_is_no_tuple_is_named():
    class Bare(ReLU):
        def backward(self, dy):
            return dy

    graph = Graph({"y": (Bare(), "x")})
    graph.run(x=np.ones(2))
    with pytest.raises(StriateError, match="gave a ndarray; expected a tuple"):
        graph.gradients()
