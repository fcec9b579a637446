import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness

from striate.errors import SettingsError
from striate.explain import tsne as steps
from striate.explain.components import components
from striate.explain.embedding import embed
from striate.explain.repulsion import Repulsion
from striate.explain.tsne import tsne


def clouds(count, classes=6, width=20, seed=0):
    random = np.random.default_rng(seed)
    centres = 4 * random.normal(size=(classes, width))
    return (centres[random.integers(0, classes, count)] + random.normal(size=(count, width))).astype(np.float32)


def by_pairs(points):
    """The force on each point and Z, of all pairs, by NumPy in float64."""
    apart = points[:, None] - points[None]
    near = 1 / (1 + (apart**2).sum(2))
    return (apart * near[:, :, None] ** 2).sum(1), near.sum() - len(points)


@pytest.mark.parametrize("shape", [(200, 8), (12, 40)])
def test_components_are_scikit_learns_but_for_the_sign(shape):
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32) * np.arange(1, shape[1] + 1)
    found, theirs = components(torch.from_numpy(values), 3), PCA(3).fit(values)
    np.testing.assert_allclose(np.abs(found.points.numpy()), np.abs(theirs.transform(values)), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(found.explained, theirs.explained_variance_ratio_, rtol=1e-4)


@pytest.mark.parametrize(("spread", "error"), [(1e-4, 0.02), (1.0, 0.02), (20.0, 0.1)])
def test_forces_by_the_grid_are_nearly_those_of_all_pairs(spread, error):
    points = np.random.default_rng(0).normal(size=(600, 2)) * spread
    forces, total = Repulsion()(torch.from_numpy(points).float())
    expected, whole = by_pairs(points)
    assert np.linalg.norm(forces.numpy() - expected) < error * np.linalg.norm(expected)
    assert float(total) == pytest.approx(whole, rel=0.02)


def test_forces_of_few_points_are_those_of_all_pairs():
    points = np.random.default_rng(0).normal(size=(50, 2)) * 300
    forces, total = Repulsion()(torch.from_numpy(points).float())
    expected, whole = by_pairs(points)
    np.testing.assert_allclose(forces, expected, rtol=1e-3, atol=1e-9)
    assert float(total) == pytest.approx(whole, abs=1e-4)


def test_affinities_have_the_perplexity_that_was_asked_for():
    _, shares = steps._affinities(torch.from_numpy(clouds(120)), 20.0)
    entropy = -(shares * shares.clamp_min(1e-30).log()).sum(1)
    torch.testing.assert_close(entropy.exp(), torch.full((120,), 20.0), rtol=1e-3, atol=0)


@pytest.mark.slow
def test_tsne_keeps_neighbours_at_least_as_well_as_scikit_learns():
    features = clouds(800)
    ours = tsne(torch.from_numpy(features)).numpy()
    theirs = TSNE(random_state=0, init="pca").fit_transform(features)
    kept, kept_by_theirs = (trustworthiness(features, own, n_neighbors=12) for own in (ours, theirs))
    assert kept >= kept_by_theirs - 0.002


@pytest.mark.parametrize("count", [4, 12, 60])
def test_few_points_lie_near_each_other_and_the_same_each_time(count):
    features, told = torch.from_numpy(clouds(count)), []
    points = tsne(features, steps=300, watch=told.append)
    assert points.isfinite().all() and points.abs().max() < 1000
    assert torch.equal(points, tsne(features, steps=300)) and told == [1] * 300


def test_equal_images_lie_on_one_map_all_the_same():
    assert tsne(torch.ones(20, 3), steps=50).isfinite().all()


def test_a_map_by_components_says_what_its_axes_explain():
    features = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    found = embed(features, "pca")
    expected = PCA(2).fit(features / features.norm(dim=1, keepdim=True)).explained_variance_ratio_
    assert found.axes[0] == f"component 1: {100 * expected[0]:.1f} % of the variance"


def test_an_unknown_way_and_too_few_points_are_refused():
    with pytest.raises(SettingsError, match="'umap'; expected tsne or pca"):
        embed(torch.eye(5), "umap")
    with pytest.raises(SettingsError, match="t-SNE needs 4 points"):
        tsne(torch.eye(3))
