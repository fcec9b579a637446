"""The verb that looks inside a trained network: explain."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

import striate
from striate.cli import tables
from striate.cli.asked import Json
from striate.cli.grid import add, show, table_of
from striate.errors import printable

if TYPE_CHECKING:
    from striate.recipes.trust import Trust

Model = Annotated[Path, Parameter(help="A model.safetensors, or the run directory that holds it.")]


def explain(  # noqa: PLR0913 - each is an option of the command
    model: Model,
    images: Annotated[
        list[str],
        Parameter(help="Image files, folders of them, or data as `train` takes it; filters need none.", negative=""),
    ] = [],  # noqa: B006 - nobody changes it
    /,
    *,
    method: Annotated[
        str,
        Parameter(
            help="Names between commas. Of each image: saliency, smoothgrad, integrated_gradients, grad_cam, "
            "occlusion, guided, deconvnet, dream. Of all together: patches, hierarchy, bias. Of the network: filters, "
            "maximise."
        ),
    ] = "saliency,grad_cam,occlusion",
    label: Annotated[
        str | None,
        Parameter(name=("--class", "--label"), help="The class asked about; what the model says if not given."),
    ] = None,
    layer: Annotated[
        str | None,
        Parameter(
            help="Of grad_cam, patches (else the last map), filters (else the first) or dream, as `describe` has it."
        ),
    ] = None,
    window: Annotated[int | None, Parameter(help="Side of occlusion's window in pixels; else a seventh.")] = None,
    stride: Annotated[int | None, Parameter(help="Pixels between its windows; else half a window.")] = None,
    trust: Annotated[bool, Parameter(help="Measure how far the methods of images are to be trusted.")] = True,
    out: Annotated[Path, Parameter(help="The folder for the pictures and the page.")] = Path("explained"),
    device: Annotated[str, Parameter(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Json = False,
) -> int:
    """Show what a network looks at and what it has learnt: pictures, and a page that says how far to trust them."""
    made = striate.explain_images(
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
    else:
        for image in made.images:
            show(printable(f"{image.path}: {image.label} {tables.percent(image.probability)}"))
        if made.trust:
            print_trust(made.trust)
        for picture in made.pictures:
            show(printable(f"picture  {picture}"))
        show(printable(f"page     {made.page}"))
        tables.print_skipped(made.skipped)
    return 2 if made.skipped else 0


def print_trust(found: "tuple[Trust, ...]") -> None:
    """Each method's areas beside those of an order that was drawn, and the verdict."""
    table = table_of("method", right=("deletion", "insertion"), last="verdict")
    for one in found:
        add(table, one.method, f"{one.deletion:.3f}", f"{one.insertion:.3f}", one.verdict)
    show(table)
