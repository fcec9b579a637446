import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from striate.datasets.checking.neighbours import Features, doubted, nearest
from striate.datasets.targets import Tags


def units(values):
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float16)


def two_kinds(count, spread=0.05):
    """Features of `count` images of each of two kinds."""
    draw = np.random.default_rng(0)
    return units(np.repeat(np.eye(2), count, axis=0) + draw.normal(0, spread, (2 * count, 2)))


def places(survey, features):
    return [case.place for finding in doubted(survey, features) for case in finding.cases]


def test_the_nearest_are_those_of_scikit_learn(monkeypatch):
    monkeypatch.setattr("striate.datasets.checking.neighbours._CHUNK", 7)  # several chunks
    values = units(np.random.default_rng(1).normal(size=(40, 5)))
    search = NearestNeighbors(n_neighbors=5, metric="cosine").fit(values.astype(float))
    assert np.array_equal(nearest(values, 4), search.kneighbors(values.astype(float))[1][:, 1:])


def test_clean_labels_are_not_doubted(survey_of):
    assert doubted(survey_of("a" * 30 + "b" * 30), Features(two_kinds(30), np.arange(60), "")) == []


def test_a_label_that_all_neighbours_contradict_is_doubted(survey_of):
    survey = survey_of("a" * 29 + "b" + "b" * 30)
    (finding,) = doubted(survey, Features(two_kinds(30), np.arange(60), "features: by hand"))
    (case,) = finding.cases
    assert case.place == 29
    assert case.detail == "labelled 'b'; 10 of its 10 neighbours are 'a'"
    assert case.partner < 29
    assert not case.leave_out
    assert "features: by hand" in finding.advice


@pytest.mark.parametrize(("own", "doubt"), [(1, True), (2, True), (3, False)])
def test_eight_of_ten_must_agree(survey_of, own, doubt):
    labels = "b" + "b" * own + "a" * (10 - own) + "b" * 20
    values = np.concatenate([np.tile([[1.0, 0]], (11, 1)), np.tile([[0, 1.0]], (20, 1))])
    values[:11, 1] += np.linspace(0, 0.1, 11) ** 2
    assert (0 in places(survey_of(labels), Features(units(values), np.arange(31), ""))) == doubt


def test_in_a_small_class_one_neighbour_of_its_own_speaks_for_the_label(survey_of):
    values = np.concatenate([np.tile([[1.0, 0]], (12, 1)), np.tile([[0, 1.0]], (20, 1))])
    values[:12, 1] += np.linspace(0, 0.1, 12) ** 2
    features = Features(units(values), np.arange(32), "")
    assert 0 not in places(survey_of("bb" + "a" * 30), features)
    assert 0 not in places(survey_of("b" + "a" * 31), features)  # the only one of its class
    apart = "b" + "a" * 30 + "b"  # two of a class, far from each other
    assert 0 in places(survey_of(apart), features)


def test_features_of_some_images_are_compared_at_their_places(survey_of):
    survey = survey_of("a" * 30 + "b" * 30 + "cc")
    chosen = np.array([60, *range(10), *range(30, 45)])
    values = units(np.concatenate([[[1.0, 0.1]], np.tile([[1.0, 0]], (10, 1)), np.tile([[0, 1.0]], (15, 1))]))
    assert 60 not in places(survey, Features(values, chosen, ""))  # of its class it is the only one that was looked at
    assert places(survey_of("a" * 30 + "b" * 30 + "bb"), Features(values, chosen, "")) == [60]


def test_without_features_few_images_or_single_classes_nothing_is_doubted(survey_of):
    few = Features(two_kinds(5), np.arange(10), "")
    assert doubted(survey_of("a" * 10), None) == []
    assert doubted(survey_of("a" * 5 + "b" * 5), few) == []
    tags = Tags(np.arange(61), np.zeros(60, np.int32))
    survey = survey_of("a" * 60)
    tagged = type(survey)(**{**vars(survey), "targets": tags})
    assert doubted(tagged, Features(two_kinds(30), np.arange(60), "")) == []
