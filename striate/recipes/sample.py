"""An image that the network was not trained on, as a file to try it on."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from striate.datasets.stack import Prepared
from striate.images.preparation import Geometry
from striate.writing import write_whole


def write_sample(folder: Path, image: Prepared, geometry: Geometry) -> str:
    """Write a prepared image (C, H, W) so that it is prepared into itself; the file's name.

    sample.png, or of what no PNG holds, as many bands or a range of their own, sample.npy with the original values.
    """
    file = io.BytesIO()
    if geometry.range is None and len(image) in (1, 3):
        Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(file, "png")
        name = "sample.png"
    else:
        values = image.transpose(1, 2, 0)
        if geometry.range is not None:
            low, high = geometry.range
            values = (low + values * ((high - low) / 65535)).clip(low, high).astype(np.float32)
        np.save(file, values)
        name = "sample.npy"
    write_whole(folder / name, file.getvalue())
    return name
