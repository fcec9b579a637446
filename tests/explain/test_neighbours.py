import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import SettingsError, SizeError
from striate.explain import neighbours
from striate.explain.neighbours import Index


def by_numpy(vectors, queries, k):
    """Sorted by the cosine in float64, then by the row."""
    cosines = queries @ vectors.T
    order = np.lexsort((np.broadcast_to(np.arange(len(vectors)), cosines.shape), -cosines), axis=1)[:, :k]
    return np.take_along_axis(cosines, order, axis=1), order


@given(
    count=st.integers(1, 400),
    width=st.integers(1, 6),
    k=st.integers(1, 20),
    seed=st.integers(0, 99),
    ties=st.booleans(),
)
def test_the_nearest_are_those_of_a_full_sort_and_ties_go_to_the_lower_row(count, width, k, seed, ties):
    random = np.random.default_rng(seed)
    # of corners of a cube the cosines are whole numbers over the width: equal ones are equal to the last bit
    corners = random.choice([-1.0, 1.0], (count, 4 if ties else width * 16))
    queries = random.choice([-1.0, 1.0], (3, corners.shape[1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_ROWS", 128)
        patch.setattr(neighbours, "_QUERIES", 2)
        cosines, rows = Index.of(torch.from_numpy(corners)).nearest(torch.from_numpy(queries), k)
    root = np.sqrt(corners.shape[1])
    expected, order = by_numpy(np.rint(corners), np.rint(queries), k)
    np.testing.assert_allclose(cosines.numpy(), expected / root**2, atol=1e-6)
    if corners.shape[1] in (4, 16, 64):  # whose roots are exact
        assert (rows.numpy() == order).all()


def test_fewer_images_than_asked_for_are_all_given():
    cosines, rows = Index.of(torch.eye(3)).nearest(torch.tensor([[0.0, 2.0, 0.0]]), 9)
    assert rows.tolist() == [[1, 0, 2]] and cosines.tolist() == [[1, 0, 0]]


def test_an_image_of_no_features_is_near_to_none():
    cosines, rows = Index.of(torch.tensor([[0.0, 0.0], [3.0, 4.0]])).nearest(torch.tensor([[3.0, 4.0]]), 2)
    assert rows.tolist() == [[1, 0]] and cosines[0, 1] == 0


@pytest.mark.parametrize("features", [torch.zeros(0, 3), torch.tensor([[torch.nan]]), torch.zeros(3)])
def test_what_is_no_table_of_numbers_is_refused(features):
    with pytest.raises(SizeError, match="not a table"):
        Index.of(features)


def test_queries_of_another_width_and_a_k_of_none_are_refused():
    index = Index.of(torch.eye(3))
    with pytest.raises(SizeError, match="queries of 1×2 for features of 3 numbers"):
        index.nearest(torch.ones(1, 2), 1)
    with pytest.raises(SettingsError, match="k is 0"):
        index.nearest(torch.ones(1, 3), 0)


def test_without_its_library_approximate_search_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(SettingsError, match=r"pip install 'striate\[neighbours\]'"):
        Index.of(torch.eye(3)).nearly_nearest(torch.eye(3), 1)
