"""The verbs that look inside a trained network: explain."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import striate
from striate.cli import tables
from striate.cli.asked import Json
from striate.errors import printable

Model = Annotated[Path, Parameter(help="A model.safetensors, or the run directory that holds it.")]


def explain(  # noqa: PLR0913 - each is an option of the command
    model: Model,
    images: Annotated[list[Path], Parameter(help="Image files, or folders of them.", negative="")],
    /,
    *,
    method: Annotated[
        str,
        Parameter(
            help="Between commas: saliency, smoothgrad, integrated_gradients, grad_cam, occlusion, guided, deconvnet."
        ),
    ] = "saliency,grad_cam,occlusion",
    label: Annotated[
        str | None,
        Parameter(name=("--class", "--label"), help="The class asked about; what the model says if not given."),
    ] = None,
    layer: Annotated[str | None, Parameter(help="Grad-CAM's layer, as `describe` names it; else the last map.")] = None,
    window: Annotated[int | None, Parameter(help="Side of occlusion's window in pixels; else a seventh.")] = None,
    stride: Annotated[int | None, Parameter(help="Pixels between its windows; else half a window.")] = None,
    trust: Annotated[bool, Parameter(help="Measure how far each method is to be trusted.")] = True,
    out: Annotated[Path, Parameter(help="The folder for the pictures and the page.")] = Path("explained"),
    device: Annotated[str, Parameter(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Json = False,
) -> int:
    """Show what a network looks at in images: a picture for each, and a page with how far to trust them."""
    made = striate.explain(
        model,
        images,
        methods=method,
        label=label,
        layer=layer,
        window=window,
        stride=stride,
        trust=trust,
        out=out,
        device=device,
        quiet=json,
    )
    if json:
        tables.print_json(made.to_dict())
        return 0
    for image in made.images:
        print(printable(f"{image.path}: {image.label}, {100 * image.probability:.1f} %  {image.picture}"))  # noqa: T201
    print(printable(made.page))  # noqa: T201
    return 0
