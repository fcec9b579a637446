"""What every operation must do, whatever it finds: answer on any image, be plain JSON, draw itself, ask for OpenCV."""

import json
import subprocess
import sys

import numpy as np
import pytest

from striate import apply_operation
from striate.errors import SettingsError, SizeError, StriateError, UnknownNameError
from striate.filters.operations import OF_ONE, OF_TWO

ALL = pytest.mark.parametrize("name", [*OF_ONE, *OF_TWO])
SCENE = np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)


def apply(name, image):
    return apply_operation(image, name, image if name in OF_TWO else None)


@ALL
def test_an_answer_has_the_name_of_its_operation_and_says_it_first(name):
    answer = apply(name, SCENE)
    assert answer.name == name
    assert answer.sentences()[0].startswith(f"{name}: ")


@ALL
@pytest.mark.parametrize("shape", [(40, 52, 3), (40, 52), (16, 16), (33, 17, 1)], ids=str)
def test_an_answer_is_plain_json_with_the_size_of_the_image(name, shape):
    answer = apply(name, np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    found = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    assert (found["name"], found["size"]) == (name, list(answer.image.shape[:2]))


@ALL
def test_every_answer_draws_itself(name, tmp_path):
    path = apply(name, SCENE).save_picture(tmp_path / "picture.png")
    assert path.read_bytes().startswith(b"\x89PNG")


@ALL
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1, 3), (2, 2)], ids=str)
def test_on_the_smallest_images_an_operation_answers_or_says_what_is_too_small(name, shape):
    try:
        answer = apply(name, np.full(shape, 9, np.uint8))
    except SizeError as error:
        assert name in ("hog", "orb")
        assert "enlarge" in str(error)
    else:
        assert len(answer.panels()) >= 2
        json.dumps(answer.to_dict(), allow_nan=False)


@ALL
def test_the_same_image_gives_the_same_answer(name):
    assert apply(name, SCENE).to_dict() == apply(name, SCENE.copy()).to_dict()


@ALL
def test_the_image_is_left_as_it_was(name):
    image = SCENE.copy()
    apply(name, image)
    assert (image == SCENE).all()


@ALL
def test_without_opencv_each_says_how_to_install_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    if name == "hog":
        assert apply(name, SCENE).blocks.size
    else:
        with pytest.raises(
            StriateError, match=r"^this operation needs OpenCV \(.+\): pip install 'striate\[opencv\]'$"
        ):
            apply(name, SCENE)


def test_kernels_and_names_need_neither_opencv_nor_matplotlib_nor_torch():
    code = (
        "import sys, numpy, striate, striate.filters.operations; "
        "striate.filter_image(numpy.zeros((5, 5), numpy.uint8)); "
        "print(*{'cv2', 'matplotlib', 'torch'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "\n"


def test_an_unknown_operation_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"^unknown operation 'cany'; did you mean canny\?"):
        apply_operation(SCENE, "cany")


@pytest.mark.parametrize("name", OF_TWO)
def test_what_follows_motion_needs_a_second_image(name):
    with pytest.raises(SettingsError, match=f"^{name} follows what moves from one image to the next; give a second"):
        apply_operation(SCENE, name)


@pytest.mark.parametrize("name", OF_ONE)
def test_what_takes_one_image_refuses_a_second(name):
    with pytest.raises(SettingsError, match=f"^{name} takes one image and a second one came; leave it out$"):
        apply_operation(SCENE, name, SCENE)
