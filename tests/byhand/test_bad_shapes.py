"""What does not fit is answered with a sentence that has the numbers in it, and never with NumPy's own words."""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from striate import byhand as by
from striate.byhand import (
    AveragePooling,
    BatchNormalisation,
    BedOfNails,
    Bilinear,
    Concatenate,
    Convolution,
    ConvolutionByColumns,
    DepthwiseConvolution,
    Dropout,
    Flatten,
    Linear,
    LocallyConnected,
    LocalResponseNormalisation,
    Maxout,
    MaxPooling,
    Nearest,
    ReLU,
    Reweight,
    Softmax,
    SquaredError,
    UpConvolution,
)
from striate.errors import SizeError, StriateError

MAPS, KERNELS = (1, 2, 5, 5), (3, 2, 3, 3)


def ones(*shapes):
    return [np.ones(shape) for shape in shapes]


def refused(operation, *inputs):
    with pytest.raises(StriateError) as refusal:
        operation.forward(*inputs)
    return str(refusal.value)


@pytest.mark.parametrize("kind", [Convolution, ConvolutionByColumns])
@pytest.mark.parametrize(
    ("how", "shapes", "sentence"),
    [
        ({}, [MAPS, (3, 4, 3, 3)], "H (1, 2, 5, 5) has 2 channels; A (3, 4, 3, 3) expects 4"),
        ({}, [(1, 2, 5), KERNELS], "H is (1, 2, 5) and A (3, 2, 3, 3); expected (B, C, places …) and (K, C, kernel …)"),
        ({}, [(1, 2), (3, 2)], "H is (1, 2) and A (3, 2); expected (B, C, places …)"),
        ({}, [(1, 2, 3, 3, 3, 3), (3, 2, 1, 1, 1, 1)], "H is (1, 2, 3, 3, 3, 3)"),
        ({}, [(0, 2, 5, 5), KERNELS], "H is (0, 2, 5, 5) and A (3, 2, 3, 3); expected"),
        ({}, [MAPS, (3, 2, 7, 3)], "a window of 7 does not fit on 5 values: enlarge the input"),
        ({"dilation": 3}, [MAPS, KERNELS], "a window of 7 does not fit on 5 values"),
        ({"padding": ((1, 0), 0)}, [MAPS, (3, 2, 7, 3)], "does not fit on 5 values with a padding of 1 and 0"),
        ({"stride": 0}, [MAPS, KERNELS], "stride is 0 for maps of 2 axes; expected a whole number of 1 or more"),
        ({"stride": 0, "padding": "same"}, [MAPS, KERNELS], "stride is 0 for maps of 2 axes"),
        ({"stride": (1, -2)}, [MAPS, KERNELS], "stride is (1, -2) for maps of 2 axes"),
        ({"stride": (1, 1, 1)}, [MAPS, KERNELS], "stride is (1, 1, 1) for maps of 2 axes"),
        ({"stride": 1.5}, [MAPS, KERNELS], "stride is 1.5 for maps of 2 axes; expected a whole number of 1 or more"),
        ({"dilation": 0}, [MAPS, KERNELS], "dilation is 0 for maps of 2 axes"),
        ({"padding": -1}, [MAPS, KERNELS], "a padding of -1 and -1; expected 0 or more"),
        ({"padding": ((1, -1), 0)}, [MAPS, KERNELS], "a padding of 1 and -1; expected 0 or more"),
        (
            {"padding": (1, 2, 3)},
            [MAPS, KERNELS],
            "padding is (1, 2, 3) for maps of 2 axes; expected a number, 'same', or a sequence",
        ),
        ({"padding": "valid"}, [MAPS, KERNELS], "padding is 'valid' for maps of 2 axes; expected a number, 'same'"),
        ({"padding": 0.5}, [MAPS, KERNELS], "padding is 0.5 for maps of 2 axes; expected a number"),
        ({"groups": 0}, [MAPS, KERNELS], "groups is 0; expected a whole number from 1 to 2"),
        ({"groups": 3}, [MAPS, KERNELS], "groups is 3; expected a whole number from 1 to 2"),
        (
            {"groups": 2},
            [MAPS, KERNELS],
            "H (1, 2, 5, 5) has 2 channels; A (3, 2, 3, 3) expects 2 for each of 2 groups",
        ),
        ({"groups": 2}, [MAPS, (3, 1, 3, 3)], "A (3, 1, 3, 3) makes 3 maps; 2 groups need a number that they divide"),
        ({}, [MAPS, KERNELS, (2,)], "b is (2,); 3 maps need (3,), one number each"),
        ({}, [MAPS, KERNELS, (3, 1)], "b is (3, 1); 3 maps need (3,), one number each"),
    ],
)
def test_a_convolution_that_does_not_fit_says_what_came_and_what_is_expected(kind, how, shapes, sentence):
    assert sentence in refused(kind(**how), *ones(*shapes))


@pytest.mark.parametrize(
    ("operation", "shapes", "sentence"),
    [
        (Linear(), [(2, 3), (4, 5)], "D is 5 in W (4, 5) and 3 in x (2, 3); s[n, i] = W[i, D] x[n, D] needs one size"),
        (Linear(), [(3,), (4, 3)], "x (3,) has 1 axes; s[n, i] = W[i, D] x[n, D] expects x[n, D]"),
        (Linear(), [(2, 3), (4, 3), (5,)], "i is 4 in W (4, 3) and 5 in b (5,)"),
        (Linear(), [(2, 3, 4, 4), (4, 3)], "x (2, 3, 4, 4) has 4 axes"),
        (Maxout(), [(2, 3), (4, 2, 3), (4, 3)], "k is 2 in W (4, 2, 3) and 3 in b (4, 3)"),
        (Maxout(), [(2, 3), (4, 0, 3), (4, 0)], "W is (4, 0, 3); expected (K, pieces, D), 1 or more each"),
        (Softmax(), [(3,)], "s is (3,); expected scores (N, K)"),
        (Softmax(), [(3, 0)], "s is (3, 0); expected scores (N, K) of one class or more"),
        (DepthwiseConvolution(), [MAPS, (3, 3, 3)], "c is 3 in A (3, 3, 3) and 2 in V (1, 2, 3, 3, 3, 3)"),
        (DepthwiseConvolution(), [MAPS, (2, 1, 3, 3)], "A (2, 1, 3, 3); expected A of (C, kernel …), 3 axes"),
        (DepthwiseConvolution(), [MAPS, (2, 6, 3)], "a window of 6 does not fit on 5 values"),
        (DepthwiseConvolution(), [MAPS, (2, 3, 3), (3,)], "b is (3,); 2 maps need (2,)"),
        (
            LocallyConnected(),
            [MAPS, (3, 2, 3, 3, 3)],
            "A (3, 2, 3, 3, 3); expected A of (K, C, 2 places, 2 of a kernel)",
        ),
        (
            LocallyConnected(),
            [MAPS, (3, 2, 2, 3, 3, 3)],
            "x1 is 2 in A (3, 2, 2, 3, 3, 3) and 3 in V (1, 2, 3, 3, 3, 3)",
        ),
        (LocallyConnected(), [MAPS, (3, 2, 3, 3, 3, 3), (3,)], "b (3,) has 1 axes"),
        (
            UpConvolution(),
            [MAPS, KERNELS],
            "H is (1, 2, 5, 5) and A (3, 2, 3, 3), groups 1; expected (B, C, …) and (C, K/G",
        ),
        (UpConvolution(groups=2), [(1, 3, 5), (3, 2, 3)], "H is (1, 3, 5) and A (3, 2, 3), groups 2"),
        (UpConvolution(groups=0), [(1, 3, 5), (3, 2, 3)], "groups is 0; expected a whole number from 1 to 3"),
        (
            UpConvolution(stride=0),
            [(1, 3, 5), (3, 2, 3)],
            "length 5, window 3, stride 0, dilation 1; expected 1 or more",
        ),
        (UpConvolution(stride=(2, 2)), [(1, 3, 5), (3, 2, 3)], "stride=(2, 2)"),
        (
            UpConvolution(padding=4),
            [(1, 3, 5), (3, 2, 3)],
            "a padding of 4 leaves nothing of the 7 values that it cuts",
        ),
        (UpConvolution(output_padding=1), [(1, 3, 5), (3, 2, 3)], "of 1 for the output; expected 0 or more"),
        (UpConvolution(), [(1, 3, 5), (3, 2, 3), (3,)], "b is (3,); 2 maps need (2,)"),
        (MaxPooling(6), [MAPS], "a window of 6 does not fit on 5 values"),
        (MaxPooling(0), [MAPS], "kernel is 0 for maps of 2 axes"),
        (MaxPooling(2, stride=-1), [MAPS], "stride is -1 for maps of 2 axes"),
        (MaxPooling(2, padding=2), [MAPS], "a padding of 2 hides a whole window of 2; expected less"),
        (
            AveragePooling(2),
            [(0, 2, 5, 5)],
            "maps of (0, 2, 5, 5); expected (B, C, …) with (5, 5) places, each 1 or more",
        ),
        (AveragePooling(2), [(5,)], "kernel is 2 for maps of 0 axes"),
        (by.GlobalAveragePooling(), [(1, 2, 0, 3)], "H is (1, 2, 0, 3); expected (B, C, places …), each 1 or more"),
        (BedOfNails(), [(1, 2)], "H is (1, 2); expected maps (B, C, places …)"),
        (Bilinear(), [(1, 2, 3)], "H is (1, 2, 3); expected images (B, C, X, Y)"),
        (Nearest(), [(1, 2, 3, 4, 5)], "H is (1, 2, 3, 4, 5); expected images (B, C, X, Y)"),
        (
            BatchNormalisation(),
            [(4, 3), (2,), (3,)],
            "γ is (2,) and β (3,); x (4, 3) needs one number for each channel",
        ),
        (BatchNormalisation(), [(1, 3), (3,), (3,)], "x (1, 3) has 1 values in each channel; batch norm in training"),
        (BatchNormalisation(), [(0, 3), (3,), (3,)], "x (0, 3) has 0 values in each channel"),
        (
            BatchNormalisation(mean=np.zeros(2), variance=np.ones(2)),
            [(4, 3), (3,), (3,)],
            "x (4, 3) needs running averages of (3,); they are (2,) and (2,)",
        ),
        (SquaredError(), [(2, 3), (2, 4)], "p is (2, 3) and z (2, 4); the L2 loss needs one shape"),
        (by.Add(), [(2, 3), (3, 2)], "(2, 3) and (3, 2) cannot be added; branches that meet need one shape"),
        (by.Add(), [], "no branches cannot be added"),
        (Concatenate(), [MAPS, (1, 2, 5, 4)], "(1, 2, 5, 5) and (1, 2, 5, 4) cannot be laid behind one another"),
        (Concatenate(), [(3,), (3,)], "(3,) and (3,) cannot be laid behind one another"),
        (Reweight(), [MAPS, (1, 3)], "w is (1, 3); H (1, 2, 5, 5) needs (1, 2), one number for each map"),
        (Flatten(), [()], "H is (); expected (B, C, …)"),
        (
            by.SeparableConvolution(),
            [MAPS, (1, 3, 3, 1), (2, 1, 1, 3), (2,)],
            "has 2 channels; A (1, 3, 3, 1) expects 3",
        ),
        (by.SqueezeAndExcitation(), [MAPS, (2, 3), (2,), (2, 2), (2,)], "D is 3 in W (2, 3) and 2 in x (1, 2)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(operation, shapes, sentence):
    assert sentence in refused(operation, *ones(*shapes))


shapes = some.lists(some.sampled_from((2, 1, 3, 0)), max_size=5).map(tuple)
MAKE = [
    *product((Convolution, ConvolutionByColumns, DepthwiseConvolution, LocallyConnected, UpConvolution), (2, 3)),
    *product(
        (lambda: MaxPooling(2), lambda: by.MinPooling(2), lambda: AveragePooling(2), lambda: by.L2Pooling(2)), (1,)
    ),
    *product(
        (by.GlobalAveragePooling, BedOfNails, Nearest, Bilinear, LocalResponseNormalisation, Flatten, Softmax), (1,)
    ),
    *product((ReLU, by.ELU, by.Sigmoid, by.Tanh, lambda: Dropout(np.random.default_rng(0)), by.SquaredNorm), (1,)),
    *product((Linear, by.Add, Concatenate, Reweight, SquaredError), (2,)),
    *product((Maxout, BatchNormalisation, Linear, by.Add, Concatenate), (3,)),
]


@pytest.mark.parametrize(("make", "count"), MAKE)
@settings(max_examples=20)
@given(some.data())
def test_whatever_shapes_come_the_answer_is_a_value_or_a_sentence(make, count, data):
    inputs = ones(*(data.draw(shapes) for _ in range(count)))
    try:
        y = (operation := make()).forward(*inputs)
    except StriateError as refusal:
        assert re.search(r"\d|\(\)", str(refusal))
    else:
        assert np.isfinite(y).all()
        with pytest.raises(SizeError, match="and so must dy be"):
            operation.backward(np.ones((*y.shape, 2)))
