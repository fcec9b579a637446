"""The verbs that are about images before there is a network: check, convert, fetch."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import striate
from striate.cli import checks, tables
from striate.cli.asked import Json
from striate.errors import printable
from striate.images.fits import Fit

Data = Annotated[str, Parameter(help="A folder, a file or a name, as `train` takes it; boxes and masks too.")]


def check(  # noqa: PLR0913 - each is an option of the command
    data: Data = "digits",
    /,
    *,
    model: Annotated[Path | None, Parameter(help="A model file, whose features find labels that look wrong.")] = None,
    fit: Annotated[Fit, Parameter(help="How images will be brought to the size: crop, pad or stretch.")] = "crop",
    size: Annotated[
        int | None, Parameter(help="Pixels of a side that they will be brought to; the model's if not given.")
    ] = None,
    channels: Annotated[
        int | None, Parameter(help="1 for grey, 3 for colour, N for N bands; as the images are if not given.")
    ] = None,
    range: Annotated[
        str | None, Parameter(help="Black and white of images of more than 8 bits: auto, 16bit, or LOW:HIGH as 0:4095.")
    ] = None,
    exclude: Annotated[Path | None, Parameter(help="A list of images to leave out, as `train` takes it.")] = None,
    out: Annotated[
        Path | None, Parameter(help="The folder for the page and the lists; check-DATA if not given.")
    ] = None,
    json: Json = False,
) -> int:
    """Look at images before training: what is broken, turned, doubled, mislabelled or cut off. It changes nothing."""
    result = striate.check(
        data, model=model, fit=fit, size=size, channels=channels, range=range, exclude=exclude, out=out, quiet=json
    )
    if json:
        tables.print_json(result.to_dict())
    else:
        checks.print_check(result)
    return 0


def convert(
    data: Data,
    out: Annotated[Path, Parameter(help="The folder to make.")],
    /,
    *,
    to: Annotated[str, Parameter(help="coco, voc, yolo, folder, manifest, masks or webdataset.")],
    lossy: Annotated[
        bool, Parameter(negative="", help="Go on where the layout cannot hold all, and say what is lost.")
    ] = False,
    exclude: Annotated[Path | None, Parameter(help="A list of images to leave out, as `train` takes it.")] = None,
    json: Json = False,
) -> int:
    """Write images and what is known of them in another layout; the files themselves stay as they are."""
    converted = striate.convert(data, out, to=to, lossy=lossy, exclude=exclude, quiet=json)
    if json:
        tables.print_json(vars(converted) | {"folder": str(converted.folder)})
    else:
        tables.print_sentences([*converted.remarks, f"{converted.images:,} images are in {converted.folder}"])
    return 0


def fetch(
    name: Annotated[str, Parameter(help="mnist, fashion_mnist, cifar10 or cifar100.")],
    /,
    *,
    to: Annotated[
        Path | None, Parameter(help="Where to make its folder; where `train NAME` looks if not given.")
    ] = None,
    mirror: Annotated[str | None, Parameter(help="The address of a folder with the same files.")] = None,
    json: Json = False,
) -> int:
    """Download a data set that is known by name, checked by its sums. Nothing else in striate uses the network."""
    folder = striate.fetch(name, to=to, mirror=mirror, quiet=json)
    if json:
        tables.print_json({"name": name, "folder": str(folder)})
    else:
        tables.print_sentences([f"{name} is in {printable(str(folder))}"])
    return 0
