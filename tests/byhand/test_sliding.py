"""A window that slides: its views are torch's unfold, and laying them back is unfold's transpose and torch's fold."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.byhand import col2im, im2col, window_over
from striate.byhand.sliding import overlay, views

few = some.integers(1, 3)


@some.composite
def windows(draw, axes):
    """A window over maps on which it fits."""

    def each(least, most):
        return draw(some.tuples(*[some.integers(least, most)] * axes))

    kernel, dilation, before, after, more = each(1, 3), each(1, 3), each(0, 2), each(0, 2), each(0, 3)
    ends = zip(kernel, dilation, before, after, more, strict=True)
    size = [max(1, d * (f - 1) + 1 - b - a) + m for f, d, b, a, m in ends]
    padding = tuple(zip(before, after, strict=True))
    return window_over(size, kernel, stride=each(1, 3), padding=padding, dilation=dilation)


@pytest.mark.parametrize("axes", [1, 2, 3])
@settings(max_examples=60)
@given(some.data())
def test_laying_back_is_the_transpose_of_viewing(axes, data):
    window, random = data.draw(windows(axes)), np.random.default_rng(0)
    H = random.integers(-9, 10, (2, 2, *window.size))
    seen = views(H, window)
    V = random.integers(-9, 10, seen.shape)
    assert seen.shape == (2, 2, *window.places, *window.kernel)
    assert (seen * V).sum() == (H * overlay(V, window)).sum()  # ⟨views(H), V⟩ = ⟨H, overlay(V)⟩


@settings(max_examples=60)
@given(few, few, some.tuples(few, few), some.tuples(few, few), some.tuples(few, few))
def test_columns_are_torchs_unfold_and_back_its_fold(B, C, kernel, stride, dilation):
    padding, size = (1, 0), (7, 8)
    how = {"stride": stride, "padding": padding, "dilation": dilation}
    window, random = window_over(size, kernel, **how), np.random.default_rng(0)
    H = random.integers(-9, 10, (B, C, *size)).astype(float)
    columns = functional.unfold(torch.tensor(H), kernel, **how)
    np.testing.assert_array_equal(im2col(H, window), columns)
    X_col = random.integers(-9, 10, columns.shape).astype(float)
    np.testing.assert_array_equal(col2im(X_col, window), functional.fold(torch.tensor(X_col), size, kernel, **how))


def test_laid_back_each_value_counts_as_often_as_it_was_seen():
    window = window_over((5,), 3)
    assert overlay(views(np.ones((1, 1, 5)), window), window).tolist() == [[[1, 2, 3, 2, 1]]]


def test_every_value_of_a_map_is_seen_where_formula_says():
    window = window_over((7,), 3, stride=2, dilation=2, padding=((1, 1),))
    assert views(np.arange(1, 8).reshape(1, 1, 7), window).tolist() == [[[[0, 2, 4], [2, 4, 6], [4, 6, 0]]]]


def test_views_cannot_be_written_to_since_they_overlap():
    assert not views(np.ones((1, 1, 5)), window_over((5,), 3)).flags.writeable
