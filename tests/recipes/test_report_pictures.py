import base64
import io
import math

import numpy as np
import pytest
from PIL import Image

from striate.datasets.loading import ImageSet
from striate.recipes.report_drawing import inline
from striate.recipes.report_pictures import worst_errors
from striate.tasks.classification import Evaluation


def evaluation(probabilities, targets):
    """Of images that do not matter."""
    targets = np.array(targets, np.int64)
    images = ImageSet(
        np.zeros((len(targets), 1, 2, 2), np.uint8), targets, tuple(f"{place}.png" for place in range(len(targets)))
    )
    rows = np.array(probabilities, np.float32)
    classes = tuple("abc"[: rows.shape[1]])
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (targets, rows.argmax(axis=1)), 1)
    return Evaluation(classes, confusion, 0.5, images, rows)


def opened(uri, kind):
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(f"data:image/{kind};base64,"))))


def test_errors_come_with_both_probabilities_and_their_loss_the_highest_first():
    found = worst_errors(evaluation([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.6, 0.375, 0.025]], [1, 1, 2]), None)
    assert [own["name"] for own in found] == ["2.png", "0.png"]
    assert (found[0]["said"], found[0]["true"]) == ("a", "c")
    assert found[0]["said_probability"] == pytest.approx(0.6)
    assert found[0]["true_probability"] == pytest.approx(0.025)
    assert found[0]["loss"] == pytest.approx(-math.log(0.025))


def test_a_true_class_of_probability_0_has_a_loss_that_is_a_number():
    loss = worst_errors(evaluation([[1.0, 0.0]], [1]), None)[0]["loss"]
    assert 100 < loss < 110


def test_a_gallery_holds_the_highest_losses_and_the_surest_errors_alike():
    unsure = [[0.35, 0.649, 0.001]] * 40  # called b, is c
    sure = [[0.98, 0.01, 0.01]] * 6  # called a, is c
    found = worst_errors(evaluation(unsure + sure, [2] * 46), None)
    assert len(found) == 24
    assert sum(own["said"] == "a" for own in found) == 6
    losses = [own["loss"] for own in found]
    assert losses == sorted(losses, reverse=True)


def test_a_name_leads_to_its_file_where_there_is_one(tmp_path):
    (tmp_path / "0.png").write_bytes(b"")
    found = worst_errors(evaluation([[0.9, 0.1], [0.8, 0.2]], [1, 1]), tmp_path)
    assert [own["link"] for own in found] == [(tmp_path / "0.png").as_uri(), None]
    assert [own["link"] for own in worst_errors(evaluation([[0.9, 0.1]], [1]), None)] == [None]


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (64, 40)])
def test_small_pictures_keep_every_pixel(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    np.testing.assert_array_equal(np.asarray(opened(inline(pixels), "png")), pixels)


def test_large_pictures_become_small_ones_of_the_same_shape():
    with opened(inline(np.full((400, 200, 3), 90, np.uint8)), "webp") as image:
        assert image.size == (88, 176)
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - 90).max() <= 3
