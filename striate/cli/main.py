"""`striate VERB …`: parse, call the public function of that name, print what it answers.

Exit codes: 0 done; 1 stopped by the user, or something is wrong with the machine; 2 bad input, with one sentence on the
standard error. The standard output holds the answer alone: a table, or with --json one JSON object.
"""

import io
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError
from rich.console import Console

import striate
from striate.cli import cards, filters, tables, tag_tables, trying
from striate.cli.asked import Images, Json, MemoryAsked
from striate.cli.data import check, convert, fetch
from striate.cli.explaining import explain
from striate.cli.grid import counting
from striate.cli.painting import dream, style
from striate.cli.saved import settle
from striate.cli.seeking import index, map_, similar
from striate.errors import AnotherSaysError, PatternError, SettingsError, StriateError, printable
from striate.images.saving import expect_picture_name
from striate.machine.standing import is_first, unmet
from striate.machine.waiting import let_idle_threads_sleep
from striate.recipes.settings import Settings
from striate.recipes.shown import Shown

app = App(
    name="striate",
    help="Convolutional networks for images: describe, compare, train, evaluate, predict, explain.",
    version=striate.__version__,
    help_format="plaintext",  # spares the import of a markdown parser
    config=settle,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)

Device = Annotated[str, Parameter(help="auto, cpu, cuda or cuda:N.")]
Looks = Annotated[
    str,
    Parameter(
        help="Looks at each image that are averaged: flip, crops (5), ten (5 and their flips), scales:0.875,1,1.143."
    ),
]
Model = Annotated[Path, Parameter(help="A model.safetensors, or the run directory that holds it.")]
Strict = Annotated[bool, Parameter(negative="", help="Stop at the first image that cannot be read.")]


for verb in (check, convert, dream, explain, fetch, index, similar, style):
    app.command(verb)
app.command(map_, name="map")


@app.command
def train(
    settings: Annotated[Settings, Parameter(name="*", consume_multiple=True, negative_iterable="")] = Settings(),  # noqa: B008 - it is frozen
    *,
    config: Annotated[  # noqa: ARG001 - `settle` has filled in what it holds
        Path | None, Parameter(help="Repeat the run of this run.toml; other settings given win.")
    ] = None,
    resume: Annotated[Path | None, Parameter(help="Go on with this run directory; give nothing else.")] = None,
    advise: Annotated[
        bool, Parameter(negative="", help="Train nothing: say how much of --weights to freeze for these data.")
    ] = False,
    find_rate: Annotated[
        Path | None,
        Parameter(help="Train nothing but a few steps: say which --rate to take, and draw why: .png, .pdf or .svg."),
    ] = None,
    json: Json = False,
) -> int:
    """Train a network on images, and write a run directory with its report."""
    if advise:
        return trying.advise(settings, json)
    if find_rate is not None:
        return trying.find_rate(settings, find_rate, json)
    chosen: dict[str, Any] = {} if resume is not None else vars(settings)
    run = striate.train(**chosen, resume=resume, quiet=json)
    if json and is_first():
        tables.print_json(run.to_dict())
    return 0


@app.command
def evaluate(
    models_data: Annotated[
        list[str], Parameter(help="A model file or run directory, or several to average; and last the data.")
    ],
    /,
    *,
    looks: Looks = "one",
    device: Device = "auto",
    strict: Strict = False,
    json: Json = False,
) -> int:
    """Say how a trained model, or the average of several, does on labelled images that they have not seen."""
    *models, data = models_data
    if not models:
        raise SettingsError(
            f"evaluate was given {data!r} alone; expected a model or more and then the data, as photos/"
        )
    result = striate.evaluate(models, data, looks=looks, device=device, strict=strict, quiet=json)
    if json:
        tables.print_json(result.to_dict())
    else:
        tag_tables.print_either(result)
    return 0


@app.command
def predict(
    model: Model,
    images: Annotated[list[Path], Parameter(help="Image files, or folders of them.", negative="")],
    /,
    *,
    looks: Looks | None = None,
    device: Device = "auto",
    json: Json = False,
) -> int:
    """Say what is on images: the likeliest classes, or the tags, and their probabilities."""
    loaded = striate.load(model, device=device) if looks is None else striate.load(model, device=device, looks=looks)
    predictions, skipped = loaded.predict_files(images)
    if json:
        answers = [prediction.to_dict() for prediction in predictions]
        tables.print_json({"predictions": answers, "skipped": [vars(file) for file in skipped]})
    else:
        tag_tables.print_answers(predictions)
        tables.print_skipped(skipped)
    return 2 if skipped else 0


@app.command
def describe(
    network: Annotated[
        str, Parameter(help="A model's name, a layer pattern, a model.safetensors, a run, or package.module:function.")
    ],
    /,
    *,
    images: Annotated[Images, Parameter(name="*")] = Images(),  # noqa: B008 - it is frozen
    memory: Annotated[MemoryAsked, Parameter(name="*")] = MemoryAsked(),  # noqa: B008
    depth: Annotated[int | None, Parameter(help="Levels of modules to show; if not given, what fits 60 rows.")] = None,
    object_size: Annotated[int | None, Parameter(help="Pixels of a side of what is to be recognised.")] = None,
    csv: Annotated[Path | None, Parameter(help="Write every row to this file too.")] = None,
    json: Json = False,
) -> int:
    """Print the arithmetic of a network: layers, sizes, parameters, multiplies, receptive fields, memory, advice."""
    asked = {"num_classes": images.num_classes, "in_channels": images.in_channels, **memory.conditions()}
    card = striate.describe(network, images.size, **asked)
    fits = None
    if memory.fit is not None:
        fits = striate.fit_memory(network, memory.fit, images.size, **asked)
    advice = striate.advise(card, object_size=object_size)
    if csv is not None:
        card.to_csv(csv)
    if json:
        findings = [vars(finding) for finding in advice]
        tables.print_json(card.to_dict() | {"advice": findings, "fits": fits and vars(fits)})
    else:
        cards.print_card(card, depth)
        cards.print_advice(advice)
        if fits is not None:
            cards.print_fits(fits)
    return 0


@app.command
def compare(
    networks: Annotated[list[str], Parameter(help="Two or more, each as describe takes it.", negative="")],
    /,
    *,
    images: Annotated[Images, Parameter(name="*")] = Images(),  # noqa: B008 - it is frozen
    batch: Annotated[int, Parameter(help="Images for which the memory is asked.")] = 32,
    picture: Annotated[Path | None, Parameter(help="Draw accuracy against multiplies: a .png, .pdf or .svg.")] = None,
    csv: Annotated[Path | None, Parameter(help="Write the table to this file too.")] = None,
    json: Json = False,
) -> int:
    """Set networks side by side: accuracy as published, parameters, multiplies, memory; as a table and a picture."""
    comparison = striate.compare(
        *networks,
        size=images.size,
        num_classes=images.num_classes,
        in_channels=images.in_channels,
        batch=batch,
    )
    if csv is not None:
        comparison.to_csv(csv)
    if picture is not None:
        comparison.save_picture(picture)
    if json:
        tables.print_json(comparison.to_dict())
    else:
        cards.print_comparison(comparison)
    return 0


@app.command
def models(
    like: Annotated[str, Parameter(help="A part of a name or a title, an author or a year.")] = "",
    /,
    *,
    max_multiplies: Annotated[str | None, Parameter(help="For one image, as 1G or 500M.")] = None,
    max_parameters: Annotated[str | None, Parameter(help="As 10M.")] = None,
    sort: Annotated[str | None, Parameter(help="By year, parameters, multiplies or accuracy; else by family.")] = None,
    csv: Annotated[Path | None, Parameter(help="Write the table to this file too.")] = None,
    json: Json = False,
) -> int:
    """List the networks of the catalogue: paper, parameters, multiplies (computed), published accuracy."""
    listed = striate.models(
        like, max_multiplies=max_multiplies, max_parameters=max_parameters, sort=sort, watch=counting
    )
    if csv is not None:
        listed.to_csv(csv)
    if json:
        tables.print_json(listed.to_dict())
    else:
        cards.print_models(listed)
    return 0


@app.command
def scale(
    network: Annotated[str, Parameter(help="A published EfficientNet, efficientnet_b0 to efficientnet_b7.")],
    /,
    *,
    budget: Annotated[str, Parameter(help="Multiplies for one image, as 2G or 500M.")],
    json: Json = False,
) -> int:
    """Propose depth, width and resolution for a budget of multiplies, and describe the network that they make."""
    proposal = striate.scale(network, budget)
    if json:
        tables.print_json(proposal.to_dict())
    else:
        cards.print_proposal(proposal)
        cards.print_advice(striate.advise(proposal.card))
    return 0


@app.command(name="filter")
def filter_(
    image: Annotated[Path, Parameter(help="An image file.")],
    second: Annotated[
        Path | None, Parameter(help="The image after it, of the same size, for an operation on two.")
    ] = None,
    /,
    *,
    kernel: Annotated[str | None, Parameter(help=filters.KERNEL_HELP)] = None,
    operation: Annotated[str | None, Parameter(help=filters.OPERATION_HELP)] = None,
    border: Annotated[str | None, Parameter(help="Around the image of a kernel: edge, zero, or valid (none).")] = None,
    picture: Annotated[
        Path | None, Parameter(help="Where to draw before and after: a .png, .pdf or .svg; else here, by their names.")
    ] = None,
    json: Json = False,
) -> int:
    """Lay a hand-made kernel on an image, or apply a classic operation, and draw before and after."""
    if picture is not None:
        expect_picture_name(picture)  # before all the work
    answer = filters.ask(image, second, kernel=kernel, operation=operation, border=border)
    place = filters.place_of(picture, answer, image, second, border)
    replaced = place.exists()
    answer.save_picture(place)
    if json:
        tables.print_json({"image": str(image), "picture": str(place)} | answer.to_dict())
    else:
        filters.print_answer(answer, place, replaced=replaced)
    return 0


@app.command(name="import")
def import_(
    file: Annotated[Path, Parameter(help="Weights as safetensors, as torch.save writes a state dict, or as .npz.")],
    /,
    *,
    model: Annotated[
        str, Parameter(help="The network of the catalogue, or the layer pattern, whose weights they are.")
    ],
    classes: Annotated[Path | None, Parameter(help="A text file with the names of the outputs, one a line.")] = None,
    without: Annotated[list[str] | None, Parameter(help="An output to cut off, by its name.", negative="")] = None,
    shown: Annotated[Shown, Parameter(name="*", consume_multiple=True, negative="")] = Shown(),  # noqa: B008
    part: Annotated[str | None, Parameter(help="Which state dict, of several; the largest if not given.")] = None,
    out: Annotated[Path, Parameter(help="The model file to write.")] = Path("model.safetensors"),
    json: Json = False,
) -> int:
    """Make a model file of the weights of others, for predict, evaluate and describe."""
    imported = striate.import_weights(
        file, model, classes=classes, without=without or (), shown=shown, part=part, out=out
    )
    if json:
        tables.print_json(imported.to_dict())
    else:
        tables.print_sentences(imported.sentences())
    return 0


@app.command
def doctor(*, device: Device = "auto", json: Json = False) -> int:
    """Print what was found on this machine, what was chosen and why, and try it."""
    findings = striate.doctor(device)
    if json:
        tables.print_json(findings.to_dict())
    else:
        tables.print_findings(findings)
    return 0 if findings.healthy else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    let_idle_threads_sleep()
    warnings.filterwarnings("ignore", module="PIL")  # its remarks on odd files; unreadable ones are errors anyway
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file may have a name that is no text
    try:
        return int(app(arguments, exit_on_error=False, print_error=False) or 0)
    except AnotherSaysError:
        return 2
    except (StriateError, CycloptsError) as error:
        if not unmet():
            _complain(*_lines_of(error))
        return 2
    except KeyboardInterrupt:
        if is_first():
            _complain("stopped")
        return 1
    except BrokenPipeError:  # the reader of our output has gone, as in `striate … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a place that may not be looked at, a name that is too long, a full standard output
        _complain(f"{error.strerror or error}: {str(error.filename)[:100]}; choose another place")
        return 2


def _lines_of(error: Exception) -> list[str]:
    """A sentence, and below that of a pattern its line and a caret."""
    if isinstance(error, UnusedCliTokensError):
        left = " ".join(error.unused_tokens or [])
        return [f"{left!r} is more than this verb takes; options are given by name, as --size 224 (--help lists them)"]
    return str(error).split("\n") if isinstance(error, PatternError) else [str(error)]


def _complain(sentence: str, *lines: str) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    for line in (f"striate: {sentence}", *lines):
        console.print(printable(line), markup=False)
