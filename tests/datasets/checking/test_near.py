import io
import json

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from striate.datasets.checking.near import find_near, near
from striate.datasets.checking.turning import turned

SCENES = 40


def saved(image, **how):
    """The image as JPEG makes it."""
    stream = io.BytesIO()
    image.save(stream, "jpeg", **how)
    return Image.open(stream).convert("RGB")


EDITS = {
    "compressed": lambda image: saved(image, quality=50),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC),
    "cut": lambda image: image.crop((3, 2, image.width - 2, image.height - 3)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "cut, turned, brighter, smaller, compressed": lambda image: saved(
        ImageEnhance.Brightness(image.crop((2, 2, image.width, image.height)).rotate(90, expand=True))
        .enhance(1.1)
        .resize((90, 120)),
        quality=60,
    ),
}


@pytest.fixture
def pictures(scene):
    return [scene(seed) for seed in range(SCENES)]


def test_pictures_of_different_things_give_no_findings(survey_of_pictures, pictures):
    assert near(survey_of_pictures(pictures, "a" * SCENES)) == []


@pytest.mark.parametrize("edit", EDITS)
def test_copies_are_found_however_they_were_edited(survey_of_pictures, pictures, edit):
    copies = [np.asarray(EDITS[edit](Image.fromarray(picture))) for picture in pictures]
    survey = survey_of_pictures([*pictures, *copies], "a" * 2 * SCENES)
    pairs = find_near(survey).pairs
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    own = {(place, place + SCENES) for place in range(SCENES)}
    assert len(found & own) >= 0.95 * SCENES
    assert {(first % SCENES, second % SCENES) for first, second in found} <= {(n, n) for n in range(SCENES)}


def test_findings_say_where_the_copy_is_and_how_it_was_turned(survey_of_pictures, pictures):
    copies = [np.ascontiguousarray(np.rot90(pictures[0])), pictures[1] // 2 + 30, np.fliplr(pictures[2])]
    parts = "t" * SCENES + "ett"
    survey = survey_of_pictures([*pictures, *copies], "a" * SCENES + "aab", parts=parts)
    found = {finding.kind: finding for finding in near(survey)}
    assert set(found) == {"near_across_parts", "near_within_part", "near_with_other_labels"}
    across = found["near_across_parts"].cases[0]
    assert (across.place, across.partner, across.leave_out) == (SCENES, 0, False)
    assert across.detail == "like a/0.jpg (train, a) turned by 90° to the left; likeness 1.000"
    assert [case.place for case in found["near_within_part"].cases] == [SCENES + 1]
    other = found["near_with_other_labels"].cases[0]
    assert (other.place, other.partner) == (SCENES + 2, 2)
    assert " mirrored; " in other.detail
    assert {finding.level for finding in found.values()} == {"look"}


def test_the_training_image_is_the_partner_whatever_the_order(survey_of_pictures, pictures):
    survey = survey_of_pictures([pictures[0] // 2 + 30, pictures[0]], "aa", parts="et")
    (finding,) = near(survey)
    assert (finding.cases[0].place, finding.cases[0].partner) == (0, 1)


def test_equal_pixels_are_no_near_duplicates(survey_of_pictures, pictures):
    assert near(survey_of_pictures([pictures[0], pictures[0]], "aa")) == []


def test_discs_of_two_colours_are_two(survey_of_pictures):
    down, right = np.mgrid[:60, :60] - 30
    disc = np.hypot(down, right) < 20
    red, blue = (np.where(disc[:, :, None], colour, 20).astype(np.uint8) for colour in ((200, 0, 0), (0, 0, 255)))
    assert near(survey_of_pictures([red, blue], "ab")) == []
    dim = (red * 0.8).astype(np.uint8)
    assert len(near(survey_of_pictures([red, dim], "aa"))) == 1


def test_flat_and_unreadable_images_are_left_alone(survey_of_pictures, pictures, photo):
    flat = np.full((50, 50, 3), 99, np.uint8)
    survey = survey_of_pictures([flat, flat + 1, pictures[0], pictures[0] // 2], "aaaa", facts=[photo] * 3 + [None])
    assert near(survey) == []


def test_a_survey_without_looks_has_no_near_duplicates(survey_of):
    assert near(survey_of("ab")) == []


@pytest.mark.slow
def test_tiles_of_cifar_10_give_few_pairs_and_digits_hardly_any(shared, survey_of_pictures):
    from sklearn.datasets import load_digits  # noqa: PLC0415 - a second

    folder = shared / "data" / "cifar10"
    counts = json.loads((folder / "counts.json").read_text(encoding="utf-8"))
    tiles, labels = [], ""
    for number, file in enumerate(sorted((folder / "train").glob("*_0.webp"))):
        sheet = np.asarray(Image.open(file).convert("RGB"))
        rows, columns = sheet.shape[0] // 32, sheet.shape[1] // 32
        own = sheet.reshape(rows, 32, columns, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3)
        tiles += list(own[: counts[f"train/{file.name}"]])
        labels += "abcdefghij"[number] * counts[f"train/{file.name}"]
    survey = survey_of_pictures(tiles, labels)
    pairs = find_near(survey).pairs
    numbers = survey.targets.numbers
    assert len(tiles) == 10_000
    assert 20 < len(pairs.first) < 200  # the set is known to hold copies (Barz and Denzler 2020, arXiv:1902.00423)
    assert (numbers[pairs.first] == numbers[pairs.second]).all()
    images = load_digits().images * 255 / 16
    digits = survey_of_pictures([image.astype(np.uint8)[:, :, None] for image in images], "a" * len(images))
    assert len(find_near(digits).pairs.first) <= 5


def test_a_turned_thumbnail_is_that_of_the_turned_picture(scene):
    picture = Image.fromarray(scene(3, 96, 160)).convert("L")
    own = np.asarray(picture.resize((32, 32), Image.Resampling.BOX))
    other = np.asarray(picture.transpose(Image.Transpose.ROTATE_90).resize((32, 32), Image.Resampling.BOX))
    assert np.abs(turned(own, 3).astype(int) - other).max() <= 1
