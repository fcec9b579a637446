"""Classes, options and orders of calls that make no sense are answered with a sentence that has the numbers in it."""

import re

import numpy as np
import pytest

from striate.byhand import (
    BatchNormalisation,
    BedOfNails,
    Bilinear,
    Concatenate,
    Convolution,
    CrossEntropy,
    Dropout,
    LeakyReLU,
    LocalResponseNormalisation,
    MaxPooling,
    MaxUnpooling,
    MulticlassSVM,
    Nearest,
    ReLU,
    Softmax,
    SoftmaxCrossEntropy,
    col2im,
    he,
    im2col,
    window_over,
    xavier,
)
from striate.errors import SettingsError, SizeError, StriateError


def refused(operation, *inputs):
    with pytest.raises(StriateError) as refusal:
        operation.forward(*inputs)
    return str(refusal.value)


LOSSES = pytest.mark.parametrize("loss", [CrossEntropy(), SoftmaxCrossEntropy(), MulticlassSVM()])


@LOSSES
@pytest.mark.parametrize(
    ("classes", "came"),
    [
        (np.array([0, 3]), "int64 (2,) from 0 to 3"),
        (np.array([-1, 0]), "int64 (2,) from -1 to 0"),
        (np.array([0.0, 1.0]), "float64 (2,) from 0.0 to 1.0"),
        (np.array([0, 1, 1]), "int64 (3,) from 0 to 1"),
        (np.array([[0], [1]]), "int64 (2, 1) from 0 to 1"),
        (np.zeros(0, int), "int64 (0,)"),
        (1, "int64 ()"),
    ],
)
def test_classes_that_are_none_are_answered_with_those_that_are(loss, classes, came):
    sentence = refused(loss, np.full((2, 3), 1 / 3), classes)
    assert f"the classes are {came}" in sentence
    assert "scores (2, 3) need 2 whole numbers from 0 to 2" in sentence


@LOSSES
@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 0), (2, 3, 4)])
def test_scores_of_no_batch_or_no_classes_are_refused(loss, shape):
    assert f"the scores are {shape}; expected (N, K)" in refused(loss, np.ones(shape), np.zeros(shape[0], int))


def test_a_class_that_was_held_for_impossible_has_no_cross_entropy():
    assert "a class has probability 0.0" in refused(CrossEntropy(), np.array([[0.0, 1.0]]), np.array([0]))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Softmax(1), "the base of the softmax is 1; expected more than 1"),
        (lambda: Softmax(float("nan")), "the base of the softmax is nan"),
        (lambda: Softmax(float("inf")), "the base of the softmax is inf"),
        (
            lambda: Dropout(np.random.default_rng(0), 1.0),
            "dropout with a probability of 1.0; expected 0 or more, and less than 1",
        ),
        (lambda: Dropout(np.random.default_rng(0), -0.1), "dropout with a probability of -0.1"),
        (lambda: Dropout(0.5), "random is 0.5; expected np.random.default_rng(seed)"),
        (lambda: LocalResponseNormalisation(4), "n is 4 maps; expected an odd number"),
        (lambda: LocalResponseNormalisation(-1), "n is -1 maps; expected an odd number"),
        (lambda: LocalResponseNormalisation(k=0), "LocalResponseNormalisation(n=5, k=0,"),
        (lambda: BatchNormalisation(epsilon=-1), "BatchNormalisation(epsilon=-1,"),
        (lambda: BatchNormalisation(momentum=7), "BatchNormalisation(epsilon=1e-05, momentum=7)"),
        (lambda: BatchNormalisation(mean=np.zeros(2)), "of the running mean and variance one came"),
        (lambda: LeakyReLU(2.0), "the slope of the leaky ReLU is 2.0; expected less than 1"),
        (lambda: BedOfNails(0), "scale is 0; expected a whole number from 1 to"),
        (lambda: Bilinear(-1), "scale is -1; expected a whole number from 1 to"),
        (lambda: Nearest(1.5), "scale is 1.5; expected a whole number from 1 to"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_at_once(make, sentence):
    with pytest.raises(SettingsError, match=f"^{re.escape(sentence)}"):
        make()


@pytest.mark.parametrize("start", [he, xavier])
@pytest.mark.parametrize("shape", [(3,), (0, 3), (3, 0, 5)])
def test_weights_without_a_fan_are_refused(start, shape):
    with pytest.raises(SizeError, match=rf"^weights of shape {re.escape(str(shape))}; expected \(outputs, inputs\)"):
        start(shape, np.random.default_rng(0))


def test_a_gradient_is_asked_for_after_the_value():
    for operation in (ReLU(), Convolution(), Concatenate(), MaxPooling(2)):
        with pytest.raises(StriateError, match=r"was asked for its gradient before its value: call forward first"):
            operation.backward(np.ones(2))


def test_unpooling_needs_the_maxima_that_were_pooled():
    pooling = MaxPooling(2)
    assert "MaxPooling was asked" in refused(MaxUnpooling(pooling), np.ones((1, 2, 2, 2)))
    pooling.forward(np.ones((1, 2, 4, 4)))
    sentence = refused(MaxUnpooling(pooling), np.ones((1, 2, 3, 3)))
    assert sentence == "H is (1, 2, 3, 3) and the latest maxima (1, 2, 2, 2); each value needs a switch"


def test_in_a_test_batch_norm_needs_averages():
    fresh = BatchNormalisation()
    fresh.training = False
    assert "has seen no batch yet" in refused(fresh, np.ones((4, 3)), np.ones(3), np.ones(3))


def test_columns_of_another_window_are_not_laid_back():
    window = window_over((5, 5), 3)
    with pytest.raises(SizeError, match=r"columns of \(1, 18, 8\); expected \(B, C · 9, 9\) for a window of \(3, 3\)"):
        col2im(np.ones((1, 18, 8)), window)
    with pytest.raises(SizeError, match=r"maps of \(1, 2, 6, 6\); expected \(B, C, …\) with \(5, 5\) places"):
        im2col(np.ones((1, 2, 6, 6)), window)


@pytest.mark.parametrize("odd", [np.array([True, False]), "photo.jpg", [[1.0], [1.0, 2.0]], np.array([1j])])
def test_what_is_no_array_of_numbers_is_refused(odd):
    with pytest.raises(SizeError, match="expected an array of numbers"):
        ReLU().forward(odd)
