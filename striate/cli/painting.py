"""The verbs that paint with a network: style, dream."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

import striate
from striate.cli import tables
from striate.cli.asked import Json
from striate.errors import SettingsError, printable

if TYPE_CHECKING:
    from striate.recipes.painting import Painted

Device = Annotated[str, Parameter(help="auto, cpu, cuda or cuda:N.")]
Model = Annotated[Path, Parameter(help="A model.safetensors, or the run directory that holds it.")]


def style(  # noqa: PLR0913 - each is an option of the command
    model: Model,
    content: Annotated[Path, Parameter(help="The image that says what is shown.")],
    style: Annotated[Path, Parameter(help="The image that says how it is painted.")],
    /,
    *,
    out: Annotated[Path, Parameter(help="The picture to write, .png.")] = Path("styled.png"),
    size: Annotated[int, Parameter(help="Pixels of its longer side.")] = 384,
    steps: Annotated[int | None, Parameter(help="More steps, more of the style.")] = None,
    content_weight: Annotated[float | None, Parameter(help="How much the content counts.")] = None,
    style_weight: Annotated[float | None, Parameter(help="How much the style counts.")] = None,
    scale: Annotated[float | None, Parameter(help="Size of the style: its longer side over the content's.")] = None,
    colour: Annotated[
        Literal["take", "keep", "match"],
        Parameter(help="Take the style's, keep the content's, or match the style's to the content's first."),
    ] = "take",
    layers: Annotated[
        tuple[str, str] | None,
        Parameter(help="Layers of content and layers of style, each with commas between; by their sizes if not given."),
    ] = None,
    masks: Annotated[
        tuple[Path, Path] | None,
        Parameter(help="A mask of the content and one of the style: each grey level is a region of its own style."),
    ] = None,
    optimiser: Annotated[Literal["adam", "lbfgs"], Parameter(help="What goes down.")] = "adam",
    start: Annotated[Literal["content", "noise"], Parameter(help="Where it begins.")] = "content",
    device: Device = "auto",
    json: Json = False,
) -> int:
    """Paint one image like another."""
    from striate.explain.style import Styling  # noqa: PLC0415 - torch is not needed to say what a command is
    from striate.explain.style_layers import Layers  # noqa: PLC0415

    how = Styling(
        optimiser=optimiser,
        start=start,
        colour=colour,
        **_given(content_weight=content_weight, style_weight=style_weight, steps=steps, scale=scale),
    )
    named = None if layers is None else Layers(_names(layers[0]), _names(layers[1]))
    made = striate.style_picture(
        model, content, style, layers=named, size=size, how=how, masks=masks, out=out, device=device, quiet=json
    )
    return _say(made, json)


def dream(  # noqa: PLR0913 - each is an option of the command
    model: Model,
    image: Annotated[Path, Parameter(help="The image that is dreamt of.")],
    /,
    *,
    layer: Annotated[
        str | None, Parameter(help="What dreams: a layer, or a neuron of one as layer3:12; a middle one if not given.")
    ] = None,
    guide: Annotated[Path | None, Parameter(help="An image whose features are brought out.")] = None,
    out: Annotated[Path, Parameter(help="The picture to write, .png.")] = Path("dream.png"),
    size: Annotated[int | None, Parameter(help="Pixels of its longer side; the image's own if not given.")] = None,
    steps: Annotated[int | None, Parameter(help="Steps of each octave.")] = None,
    rate: Annotated[float | None, Parameter(help="How far a pixel moves in a step, white = 1.")] = None,
    octaves: Annotated[int | None, Parameter(help="Sizes it is dreamt at; as many as fit if not given.")] = None,
    scale: Annotated[float | None, Parameter(help="How much larger each is than the one before.")] = None,
    seed: Annotated[int, Parameter(help="Of the shifts.")] = 0,
    device: Device = "auto",
    json: Json = False,
) -> int:
    """Change an image so that a layer sees more of what it sees in it."""
    from striate.explain.dream import Dreaming  # noqa: PLC0415 - torch is not needed to say what a command is

    how = Dreaming(seed=seed, **_given(steps=steps, rate=rate, octaves=octaves, scale=scale))
    made = striate.dream_picture(
        model, image, layer=layer, guide=guide, size=size, how=how, out=out, device=device, quiet=json
    )
    return _say(made, json)


def _given(**options: Any) -> dict[str, Any]:
    """Those options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise SettingsError(
            f"layers are {text!r}; expected names with commas between, as `striate describe` prints them"
        )
    return names


def _say(made: "Painted", json: bool) -> int:
    if json:
        tables.print_json(made.to_dict())
    else:
        layers = ", ".join(made.layers)
        tables.print_sentences(
            [*made.notes, f"{made.width}×{made.height} pixels, by {layers}, are in {printable(made.picture)}"]
        )
    return 0
