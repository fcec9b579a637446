"""Surveys made by hand."""

import numpy as np
import pytest

from striate.datasets.checking.survey import Looks, Survey
from striate.datasets.checking.taking import look_of
from striate.datasets.targets import Classes
from striate.images.facts import Facts

PHOTO = Facts("JPEG", "RGB", 300, 200, 1, 1, 8, False)


@pytest.fixture
def photo():
    """The facts of a plain photograph of 300×200 pixels."""
    return PHOTO


@pytest.fixture
def survey_of():
    """Images of one class each, in train, validation or test: `survey_of("aabb", parts="ttve", marks=[…])`."""

    def make(labels, *, parts=None, facts=None, marks=None, **more):
        classes = tuple(sorted(set(labels)))
        count = len(labels)
        return Survey(
            names=[f"{label}/{number}.jpg" for number, label in enumerate(labels)],
            classes=classes,
            targets=Classes(np.array([classes.index(label) for label in labels], np.int32)),
            parts=np.array(["tve".index(letter) for letter in parts or "t" * count], np.uint8),
            facts=[PHOTO] * count if facts is None else facts,
            marks=np.arange(count) if marks is None else np.array(marks),
            **more,
        )

    return make


@pytest.fixture
def survey_of_pictures(survey_of):
    """The same with what the pictures (H, W, C) look like."""

    def make(pictures, labels, **more):
        looks = Looks.room(len(pictures))
        marks = []
        for place, picture in enumerate(pictures):
            look = look_of(picture)
            marks.append(look.mark)
            looks.thumbnails[place], looks.means[place], looks.squares[place] = look[1:]
        return survey_of(labels, marks=marks, looks=looks, **more)

    return make


@pytest.fixture
def scene():
    """Pictures with something to see: discs and bars of many sizes, the same for the same seed; (H, W, 3)."""

    def make(seed, height=120, width=160):
        draw = np.random.default_rng(seed)
        down, right = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
        picture = np.zeros((height, width, 3)) + draw.uniform(40, 120, 3)
        for _ in range(12):
            y, x, radius, slant = draw.uniform(0, 1), draw.uniform(0, 1), draw.uniform(0.05, 0.25), draw.uniform(0.4, 2)
            picture[np.hypot(down - y, slant * (right - x)) < radius] = draw.uniform(0, 255, 3)
        return np.clip(picture + draw.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)

    return make
