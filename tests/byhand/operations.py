"""Every operation, with inputs that fit it: the table that the contract and the mutants are asked from.

A title begins with the name of the class.
"""

from functools import partial
from math import e
from random import Random

import numpy as np
from hypothesis import strategies as some

from striate import byhand as by
from tests.byhand.draws import Draws
from tests.byhand.sliding_operations import SLIDING


def plain(make):
    """An operation that takes one array of any shape."""
    return lambda draw: (make(draw), draw.numbers(*(draw.size(4) for _ in range(draw.size(3)))))


def linear(draw):
    N, D, K = draw.size(), draw.size(4), draw.size(4)
    return by.Linear(), draw.numbers(N, D), draw.numbers(K, D), *draw.bias(K)


def maxout(draw):
    N, D, K, pieces = draw.size(), draw.size(), draw.size(), draw.size()
    return by.Maxout(), draw.numbers(N, D), draw.numbers(K, pieces, D), draw.numbers(K, pieces)


def softmax(draw):
    return by.Softmax(draw.of((e, 2.0, 10.0))), draw.numbers(draw.size(), draw.size(5))


def squared_error(draw):
    shape = [draw.size(4) for _ in range(draw.size(3))]
    return by.SquaredError(), draw.numbers(*shape), draw.numbers(*shape)


def classes(loss, draw):
    N, K = draw.size(4), draw.size(5)
    y = np.array([draw.of(range(K)) for _ in range(N)])
    scores = draw.numbers(N, K)
    if loss is by.CrossEntropy:  # takes the logarithm of the probabilities of the classes alone
        scores = np.abs(scores) + 0.25 * (np.arange(K) == y[:, None])
    return loss(), scores, y


def batch_normalisation(training, draw):
    C = draw.size()
    places = draw.of(((), (2,), (2, 2)))
    operation = by.BatchNormalisation(epsilon=draw.of((1e-5, 0.1)))
    operation.training = training
    if not training:
        operation.mean, operation.variance = np.float32(draw.numbers(C)), np.float32(draw.positive(C))
    return operation, draw.numbers(1 + draw.size(), C, *places), draw.numbers(C), draw.numbers(C)


def local_response_normalisation(draw):
    n, k, alpha, beta = draw.of((5, 3, 1)), draw.of((2.0, 1.0)), draw.of((0.5, 1e-4)), draw.of((0.75, 0.5, 2.0))
    return by.LocalResponseNormalisation(n, k, alpha, beta), draw.maps(channels=draw.size(6))


def dropout(training, draw):
    operation, x = plain(lambda draw: by.Dropout(np.random.default_rng(0), draw.of((0.5, 0.25, 0.0))))(draw)
    operation.training = training
    return operation, x


def squeeze_and_excitation(draw):
    """b1 is never whole: no two kinks of the ReLU meet in one y."""
    H, few = draw.maps(), draw.size()
    C = H.shape[1]
    return by.SqueezeAndExcitation(), H, draw.numbers(few, C), draw.normal(few), draw.numbers(C, few), draw.numbers(C)


def add(draw):
    shape = [draw.size() for _ in range(draw.size(3))]
    return by.Add(), *(draw.numbers(*shape) for _ in range(draw.size()))


def concatenate(draw):
    N, places = draw.size(2), draw.of(((), (2,), (2, 3)))
    return by.Concatenate(), *(draw.numbers(N, draw.size(), *places) for _ in range(draw.size()))


def reweight(draw):
    H = draw.maps()
    return by.Reweight(), H, draw.numbers(*H.shape[:2])


def graph(draw):
    """A residual layer whose W is shared with the layer after it, and a loss that counts both values."""
    nodes = {
        "s": (by.Linear(), "x", "W", "b"),
        "h": (by.Tanh(), "s"),
        "y": (by.Add(), "h", "x"),
        "t": (by.Linear(), "y", "W"),
        "both": (by.Concatenate(), "t", "y"),
        "L": (by.SquaredNorm(), "both"),
    }
    N, D = draw.size(), draw.size()
    return by.Graph(nodes), draw.numbers(N, D), draw.numbers(D, D), draw.numbers(D)


OPERATIONS = {
    "Linear": linear,
    "Sigmoid": plain(lambda draw: by.Sigmoid()),
    "Tanh": plain(lambda draw: by.Tanh()),
    "ReLU": plain(lambda draw: by.ReLU()),
    "LeakyReLU": plain(lambda draw: by.LeakyReLU(draw.of((0.1, 0.5, -0.5)))),
    "ELU": plain(lambda draw: by.ELU(draw.of((1.0, 0.5)))),
    "Maxout": maxout,
    "Softmax": softmax,
    "SquaredError": squared_error,
    "CrossEntropy": partial(classes, by.CrossEntropy),
    "SoftmaxCrossEntropy": partial(classes, by.SoftmaxCrossEntropy),
    "MulticlassSVM": partial(classes, by.MulticlassSVM),
    "SquaredNorm": plain(lambda draw: by.SquaredNorm(draw.of((1.0, 5e-2)))),
    **SLIDING,
    "BatchNormalisation in training": partial(batch_normalisation, True),
    "BatchNormalisation in a test": partial(batch_normalisation, False),
    "LocalResponseNormalisation": local_response_normalisation,
    "Dropout in training": partial(dropout, True),
    "Dropout in a test": partial(dropout, False),
    "SqueezeAndExcitation": squeeze_and_excitation,
    "Add": add,
    "Concatenate": concatenate,
    "Reweight": reweight,
    "Flatten": lambda draw: (by.Flatten(), draw.maps()),
    "Graph": graph,
}


@some.composite
def drawn(draw, title):
    """The operation, and a list of inputs, as hypothesis likes."""
    operation, *inputs = OPERATIONS[title](Draws(lambda options: draw(some.sampled_from(options))))
    return operation, inputs


def fixed(title, seed, **how):
    """The same every time."""
    operation, *inputs = OPERATIONS[title](Draws(Random(f"{title} {seed}").choice, **how))
    return operation, inputs
