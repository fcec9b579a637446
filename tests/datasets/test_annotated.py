import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from striate.datasets.annotated import all_upright, read_annotated, upright_boxes
from striate.datasets.dataset import Dataset
from striate.datasets.names import Names
from striate.datasets.targets import Boxes, Classes
from striate.errors import DataError, ImageError

LEFT, TOP, RIGHT, BOTTOM = 3, 2, 11, 6  # edges of the rectangle in the stored frame
WIDTH, HEIGHT = 20, 12


def picture(orientation, form="PNG"):
    """A file's bytes with a white rectangle, and EXIF that turns it."""
    image = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(image).rectangle((LEFT, TOP, RIGHT - 1, BOTTOM - 1), fill=255)
    exif, file = Image.Exif(), io.BytesIO()
    exif[274] = orientation
    image.save(file, form, exif=exif, **({"quality": 100} if form == "JPEG" else {}))
    return file.getvalue()


def one_box(content, size, corners=(LEFT, TOP, RIGHT, BOTTOM), polygon=False):
    ring = np.array([[LEFT, TOP], [RIGHT, TOP], [RIGHT, BOTTOM], [LEFT, BOTTOM]], np.float64)
    boxes = Boxes(
        starts=np.array([0, 1]),
        corners=np.array([corners], np.float64),
        numbers=np.zeros(1, np.int32),
        sizes=np.array([size], np.int32),
        polygons=((ring,),) if polygon else (),
    )
    return Dataset("one", ("thing",), Names(["1.png"]), boxes, np.zeros(1, np.uint8), lambda index: content)


def extent(pixels):
    """Left, top, right, bottom of what is white."""
    rows, columns = np.nonzero(pixels > 127)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_lies_round_what_was_drawn_after_pillow_has_turned_the_image(orientation, form):
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(picture(orientation, form)))))
    turned = upright_boxes(np.array([[LEFT, TOP, RIGHT, BOTTOM]], np.float64), (WIDTH, HEIGHT), orientation)
    assert turned.tolist() == [extent(upright)]


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_made_for_the_stored_frame_are_turned_with_the_image(orientation):
    pixels, boxes = read_annotated(one_box(picture(orientation), (WIDTH, HEIGHT), polygon=True), 0)
    assert pixels.shape == (WIDTH, HEIGHT, 1)
    assert boxes.corners.tolist() == [extent(pixels[:, :, 0])]
    assert boxes.sizes.tolist() == [[HEIGHT, WIDTH]]
    ((ring,),) = boxes.polygons
    assert [*ring.min(0), *ring.max(0)] == extent(pixels[:, :, 0])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("told", [True, False])
def test_boxes_made_for_the_upright_frame_or_none_stay(orientation, told):
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(picture(orientation))))
    box = extent(np.asarray(upright))
    pixels, boxes = read_annotated(one_box(picture(orientation), upright.size if told else (0, 0), box), 0)
    assert boxes.corners.tolist() == [extent(pixels[:, :, 0])]
    assert boxes.sizes.tolist() == [list(upright.size)]


def test_an_image_of_another_size_than_its_annotation_is_refused_with_both():
    with pytest.raises(ImageError, match=r"1\.png: its annotation is for 40×24 pixels and the image has 12×20"):
        read_annotated(one_box(picture(6), (40, 24)), 0)


def test_all_boxes_are_turned_at_once_and_what_does_not_fit_is_told():
    contents = [picture(1), picture(8), b"broken", picture(6)]
    boxes = Boxes(
        starts=np.arange(5),
        corners=np.array([[LEFT, TOP, RIGHT, BOTTOM]] * 4, np.float64),
        numbers=np.zeros(4, np.int32),
        sizes=np.array([[0, 0], [WIDTH, HEIGHT], [WIDTH, HEIGHT], [7, 7]], np.int32),
    )
    names = Names(map(str, range(4)))
    dataset = Dataset("four", ("thing",), names, boxes, np.zeros(4, np.uint8), lambda index: contents[index])
    seen = []
    upright = all_upright(dataset, lambda: seen.append(1))
    assert len(seen) == 4
    assert (upright.turned, upright.unread, upright.other) == ((1,), (2,), (3,))
    assert upright.boxes.sizes.tolist() == [[WIDTH, HEIGHT], [HEIGHT, WIDTH], [WIDTH, HEIGHT], [7, 7]]
    assert upright.boxes.corners[1].tolist() == [TOP, WIDTH - RIGHT, BOTTOM, WIDTH - LEFT]
    assert upright.boxes.corners[[0, 2, 3]].tolist() == boxes.corners[[0, 2, 3]].tolist()


def test_a_data_set_without_boxes_is_refused():
    labelled = Dataset("two", ("a",), Names(["1"]), Classes(np.zeros(1, np.int32)), np.zeros(1, np.uint8), str)
    with pytest.raises(DataError, match="two has classes; expected boxes"):
        read_annotated(labelled, 0)
