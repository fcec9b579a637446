import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import striate
from striate.errors import DataError, RunError
from striate.recipes.map_points import MOST, Thumbnails, apart, side_for
from striate.recipes.mapping import map_images

NAMES = ["<b>&amp;", "</script><script>alert(1)</script>", "plain"]


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    torch.save(striate.create_model("resnet20").state_dict(), tmp_path / "weights.pt")
    path = tmp_path / "model.safetensors"
    striate.import_weights(tmp_path / "weights.pt", "resnet20", classes=list("abcdefghij"), out=path)
    return path


def data(count):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return striate.from_arrays(pixels, [NAMES[number % 3] for number in range(count)])


def content(page):
    return json.loads(re.search(r'id="content">(.*?)</script>', page, re.DOTALL)[1])


@pytest.mark.parametrize("by", ["tsne", "pca"])
def test_a_map_has_all_images_with_name_class_and_what_the_model_said(model, tmp_path, by):
    made = map_images(model, data(12), out=tmp_path / "map", by=by, quiet=True)
    page = made.page.read_text(encoding="utf-8")
    held = content(page)
    points = np.array(held["points"]).reshape(-1, 2)
    assert (made.images, len(points), len(held["names"])) == (12, 12, 12) and made.page_bytes == len(page.encode())
    assert points.min() >= 0 and points.max() <= 1 and np.ptp(points, axis=0).max() == pytest.approx(1, abs=1e-4)
    assert [held["groups"][group]["name"] for group in held["group"]] == [NAMES[number % 3] for number in range(12)]
    assert set(held["said"]) <= set("abcdefghij") and ("% of the variance" in held["axes"][0]) == (by == "pca")
    with Image.open(made.picture) as picture:
        assert picture.size == (1920, 1260)


def test_no_name_can_end_the_script_and_nothing_is_fetched(model, tmp_path):
    page = map_images(model, data(6), out=tmp_path / "map", quiet=True).page.read_text(encoding="utf-8")
    assert page.count("</script>") == 2 and "alert(1)</script>" not in page
    assert not re.search(r"(src|href)\s*=\s*[\"']?(?!data:)", page.replace('sheet.src = "data:', ""))
    assert "http" not in page


def test_too_few_images_and_a_folder_that_is_taken_are_refused(model, tmp_path):
    with pytest.raises(DataError, match="a map needs 4"):
        map_images(model, data(3), out=tmp_path / "map", quiet=True)
    with pytest.raises(RunError, match="not empty"):
        map_images(model, data(6), out=tmp_path, quiet=True)


@given(st.integers(0, 99), st.integers(1, 60), st.floats(0.02, 0.5))
def test_pictures_do_not_lie_over_each_other_and_all_that_are_left_out_would(seed, count, side):
    points = np.random.default_rng(seed).random((count, 2))
    free = apart(points, side)
    gaps = np.abs(points[:, None] - points[None]).max(2)
    np.fill_diagonal(gaps, np.inf)
    assert (gaps[np.ix_(free, free)] >= side).all()
    assert (gaps[np.ix_(~free, free)] < side).any(axis=1).all()


def test_of_many_images_a_part_is_kept_evenly():
    kept = Thumbnails(24, 3 * MOST)
    kept.add(np.zeros((10, 1, 4, 4), np.uint8))
    assert kept.rows == [0, 3, 6, 9] and kept.pictures[0].shape == (24, 24, 3)


@given(st.integers(1, MOST))
def test_small_copies_of_all_images_together_stay_small(count):
    assert 24 <= side_for(count) <= 64 and count * side_for(count) ** 2 <= 12_000_000
