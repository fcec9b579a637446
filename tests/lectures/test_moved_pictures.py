"""What a layer by hand makes of a moved picture: convolution moves along, and max pooling nearly stays as it was.

D2, "Translation Equivariance of Convolution" and "Max pooling provides invariance to small translations".
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from striate.byhand import Convolution, ConvolutionByColumns, Flatten, Linear, MaxPooling, ReLU

KINDS = pytest.mark.parametrize("kind", [Convolution, ConvolutionByColumns])


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


places, moves = some.integers(0, 9), some.tuples(some.integers(0, 3), some.integers(0, 3))


def moved(maps, by):
    return np.roll(maps, by, axis=(2, 3))


@KINDS
@settings(max_examples=30)
@given(moves, some.integers(1, 3), some.integers(0, 99))
def test_the_convolution_of_a_moved_picture_is_the_moved_convolution(kind, by, window, seed):
    picture = np.pad(normal(1, 2, 4, 4, seed=seed), ((0, 0), (0, 0), (3, 6), (3, 6)))  # so that nothing leaves it
    A = normal(3, 2, window, window, seed=seed)
    after = kind().forward(moved(picture, by), A)
    np.testing.assert_allclose(after, moved(kind().forward(picture, A), by), atol=1e-12)


@settings(max_examples=30)
@given(moves, some.integers(1, 3))
def test_without_an_edge_it_is_so_for_every_move(by, window):
    picture, A = normal(1, 2, 6, 6), normal(3, 2, window, window)

    def round_the_edge(maps):
        return Convolution().forward(np.pad(maps, ((0, 0), (0, 0), (0, window - 1), (0, window - 1)), "wrap"), A)

    np.testing.assert_allclose(round_the_edge(moved(picture, by)), moved(round_the_edge(picture), by), atol=1e-12)


@given(some.tuples(places, places))
def test_max_pooling_is_invariant_to_moves_within_a_window(place):
    spot = np.zeros((1, 1, 10, 10))
    spot[(0, 0, *place)] = 1
    at_home = [5 * (x // 5) for x in place]
    pooled = MaxPooling(5).forward(spot)
    for by in np.ndindex(5, 5):
        elsewhere = np.zeros_like(spot)
        elsewhere[0, 0, at_home[0] + by[0], at_home[1] + by[1]] = 1
        assert (MaxPooling(5).forward(elsewhere) == pooled).all()


def test_but_not_to_one_that_takes_the_maximum_over_the_border():
    spot = np.array([[[[0, 1, 0, 0]]]])
    assert MaxPooling((1, 2)).forward(spot).tolist() == [[[[1, 0]]]]
    assert MaxPooling((1, 2)).forward(moved(spot, (0, 1))).tolist() == [[[[0, 1]]]]


def test_relu_moves_with_its_picture_and_a_fully_connected_layer_does_not():
    picture, W = normal(1, 1, 4, 4), normal(16, 16)

    def connected(maps):
        return Linear().forward(Flatten().forward(maps), W).reshape(maps.shape)

    by = (1, 2)
    assert (ReLU().forward(moved(picture, by)) == moved(ReLU().forward(picture), by)).all()
    assert not np.allclose(connected(moved(picture, by)), moved(connected(picture), by), atol=0.1)
