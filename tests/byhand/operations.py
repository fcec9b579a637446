"""Every operation, with inputs that fit it: the table that the contract and the mutants are asked from.

A function of the table makes everything by `choose`, which takes one of several options: hypothesis chooses for the
contract, `random.Random` for the mutants. A title begins with the name of the class.
"""

from functools import partial
from math import e
from random import Random

import numpy as np
from hypothesis import strategies as some

from striate import byhand as by


class Draws:
    """Options, sizes and values for one operation."""

    def __init__(self, choose, sorts=("any", "whole", "sparse")):
        self.of = choose
        self._random = np.random.default_rng(choose(range(1000)))
        self._sort = choose(sorts)  # whole and sparse numbers meet kinks, ties and empty windows

    def size(self, most=3):
        return self.of(range(1, most + 1))

    def normal(self, *shape):
        return self._random.normal(size=shape)

    def numbers(self, *shape):
        x = self.normal(*shape)
        if self._sort == "whole":
            return np.round(x)
        return x * (self._random.random(shape) < 0.6) if self._sort == "sparse" else x

    def positive(self, *shape):
        return np.abs(self.numbers(*shape)) + 0.25

    def bias(self, *shape):
        return self.of(((), (self.numbers(*shape),)))

    def each(self, axes, options):
        """One for all axes, or one for each."""
        return self.of((self.of(options), tuple(self.of(options) for _ in range(axes))))

    def maps(self, *, axes=None, channels=None):
        places = [self.size(4) for _ in range(axes or self.size(2))]
        return self.numbers(self.size(2), channels or self.size(3), *places)


def plain(make):
    """An operation that takes one array of any shape."""
    return lambda draw: (make(draw), draw.numbers(*(draw.size(4) for _ in range(draw.size(3)))))


def on_maps(make):
    return lambda draw: (make(draw), draw.maps())


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


def slides(draw, axes):
    """Kernel, how it slides, and maps of one or two places more than it needs at least."""
    kernel = [draw.size(3 if axes < 3 else 2) for _ in range(axes)]
    how = {
        "stride": draw.each(axes, (1, 2, 3)),
        "padding": draw.of((0, 1, "same", tuple(draw.of(((0, 1), (2, 1), 0, "same")) for _ in range(axes)))),
        "dilation": draw.each(axes, (1, 2)),
    }
    dilations = np.broadcast_to(how["dilation"], axes)
    size = [d * (f - 1) + draw.size(2) for f, d in zip(kernel, dilations, strict=True)]
    return kernel, how, size


def convolution(make, axes, draw):
    kernel, how, size = slides(draw, axes)
    groups, C, K = draw.size(2), draw.size(2), draw.size(2)
    H, A = draw.numbers(draw.size(2), groups * C, *size), draw.numbers(groups * K, C, *kernel)
    return make(**how, groups=groups), H, A, *draw.bias(groups * K)


def depthwise(draw):
    kernel, how, size = slides(draw, draw.size(2))
    C = draw.size()
    return by.DepthwiseConvolution(**how), draw.numbers(draw.size(2), C, *size), draw.numbers(C, *kernel), *draw.bias(C)


def locally_connected(draw):
    kernel, how, size = slides(draw, draw.size(2))
    how.pop("dilation")
    C, K, places = draw.size(2), draw.size(2), by.window_over(size, kernel, **how).places
    H, A = draw.numbers(draw.size(2), C, *size), draw.numbers(K, C, *places, *kernel)
    return by.LocallyConnected(**how), H, A, *draw.bias(K, *places)


def up_convolution(draw):
    stride, dilation = draw.size(3), draw.size(2)
    sides = [(draw.size(3), draw.size(3)) for _ in range(draw.size(2))]  # of maps and kernel
    extra = draw.of(range(max(stride, dilation)))
    made = min(stride * (w - 1) + dilation * (f - 1) + 1 + extra for w, f in sides)
    padding = draw.of(range((made + 1) // 2))
    groups, C, K = draw.size(2), draw.size(2), draw.size(2)
    H = draw.numbers(draw.size(2), groups * C, *(w for w, _ in sides))
    A = draw.numbers(groups * C, K, *(f for _, f in sides))
    return by.UpConvolution(stride, padding, dilation, groups, extra), H, A, *draw.bias(groups * K)


def pooling(make, draw):
    axes, kernel = draw.size(2), draw.size(3)
    how = {"stride": draw.of((None, 1, 2)), "padding": draw.of((0, kernel // 2, "same", ((0, kernel // 2),) * axes))}
    return make(kernel, **how), draw.numbers(draw.size(2), draw.size(2), *(kernel + draw.of((0, 1, 2)),) * axes)


def max_unpooling(draw):
    pool, maps = pooling(by.MaxPooling, draw)
    return by.MaxUnpooling(pool), draw.numbers(*pool.forward(maps).shape)


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
    operation, x = plain(lambda draw: by.Dropout(draw.of((0.5, 0.25, 0.0))))(draw)
    operation.training = training
    return operation, x


def squeeze_and_excitation(draw):
    """b1 is never whole: no two kinks of the ReLU meet in one y."""
    H, few = draw.maps(), draw.size()
    C = H.shape[1]
    return by.SqueezeAndExcitation(), H, draw.numbers(few, C), draw.normal(few), draw.numbers(C, few), draw.numbers(C)


def separable(draw):
    F, C, R, K = draw.size(), draw.size(2), draw.size(2), draw.size(2)
    operation = by.SeparableConvolution(stride=draw.size(2), padding=draw.of((0, 1)))
    H = draw.numbers(draw.size(2), C, F + draw.of((0, 1)), F + draw.of((0, 1)))
    return operation, H, draw.numbers(R, C, F, 1), draw.numbers(K, R, 1, F), draw.numbers(K)


def depthwise_separable(draw):
    axes, F, C, K = draw.size(2), draw.size(), draw.size(), draw.size()
    operation = by.DepthwiseSeparableConvolution(stride=draw.size(2), padding=draw.of((0, 1)))
    H = draw.numbers(draw.size(2), C, *(F + draw.of((0, 1)) for _ in range(axes)))
    return operation, H, draw.numbers(C, *(F,) * axes), draw.numbers(K, C, *(1,) * axes), draw.numbers(K)


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
    "Convolution on lines": partial(convolution, by.Convolution, 1),
    "Convolution on images": partial(convolution, by.Convolution, 2),
    "Convolution on volumes": partial(convolution, by.Convolution, 3),
    "ConvolutionByColumns on lines": partial(convolution, by.ConvolutionByColumns, 1),
    "ConvolutionByColumns on images": partial(convolution, by.ConvolutionByColumns, 2),
    "ConvolutionByColumns on volumes": partial(convolution, by.ConvolutionByColumns, 3),
    "DepthwiseConvolution": depthwise,
    "LocallyConnected": locally_connected,
    "UpConvolution": up_convolution,
    "SeparableConvolution": separable,
    "DepthwiseSeparableConvolution": depthwise_separable,
    "MaxPooling": partial(pooling, by.MaxPooling),
    "MinPooling": partial(pooling, by.MinPooling),
    "AveragePooling": partial(pooling, by.AveragePooling),
    "L2Pooling": partial(pooling, by.L2Pooling),
    "GlobalAveragePooling": on_maps(lambda draw: by.GlobalAveragePooling()),
    "MaxUnpooling": max_unpooling,
    "BedOfNails": on_maps(lambda draw: by.BedOfNails(draw.size())),
    "Nearest": lambda draw: (by.Nearest(draw.size()), draw.maps(axes=2)),
    "Bilinear": lambda draw: (by.Bilinear(draw.size()), draw.maps(axes=2)),
    "BatchNormalisation in training": partial(batch_normalisation, True),
    "BatchNormalisation in a test": partial(batch_normalisation, False),
    "LocalResponseNormalisation": local_response_normalisation,
    "Dropout in training": partial(dropout, True),
    "Dropout in a test": partial(dropout, False),
    "SqueezeAndExcitation": squeeze_and_excitation,
    "Add": add,
    "Concatenate": concatenate,
    "Reweight": reweight,
    "Flatten": on_maps(lambda draw: by.Flatten()),
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
