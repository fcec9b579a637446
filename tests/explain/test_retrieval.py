import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from striate.errors import SettingsError
from striate.explain.neighbours import Index
from striate.explain.retrieval import average_precision, measure_retrieval


def test_the_average_precision_of_hits_at_ranks_1_3_and_4_by_hand():
    assert average_precision(torch.tensor([[1, 0, 1, 1]])).item() == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_measures_of_images_on_a_circle_by_hand():
    degrees = torch.deg2rad(torch.tensor([0.0, 10, 25, 100, 180]))
    index = Index.of(torch.stack([degrees.cos(), degrees.sin()], 1))
    found = measure_retrieval(index, torch.tensor([0, 1, 0, 1, 2]), ranks=(1, 2))
    # 0: 1 2 3 4 finds 2 at rank 2; 1: 0 2 3 4 finds 3 at 3; 2: 1 0 3 4 finds 0 at 2; 3: 2 4 1 0 finds 1 at 3
    assert (found.queries, found.alone) == (4, 1)
    assert found.mean_average_precision == pytest.approx((1 / 2 + 1 / 3 + 1 / 2 + 1 / 3) / 4)
    assert found.precision == {1: 0, 2: 0.25} and found.recall == {1: 0, 2: 0.5} and found.hit == {1: 0, 2: 0.5}


def test_the_mean_average_precision_is_scikit_learns():
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 150)
    features = random.normal(size=(150, 8)) + np.eye(8)[labels]
    index = Index.of(torch.from_numpy(features))
    cosines = (index.vectors @ index.vectors.T).numpy()
    scores = [
        average_precision_score(np.delete(labels == labels[row], row), np.delete(cosines[row], row))
        for row in range(150)
    ]
    found = measure_retrieval(index, torch.from_numpy(labels))
    assert found.mean_average_precision == pytest.approx(np.mean(scores), abs=1e-12)


def test_classes_of_one_image_each_have_nothing_to_find():
    with pytest.raises(SettingsError, match="no class has two images"):
        measure_retrieval(Index.of(torch.eye(3)), torch.arange(3))
