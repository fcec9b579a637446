"""The verbs that lay images beside each other by what a network sees in them: index, similar, map."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import striate
from striate.cli import tables
from striate.cli.asked import Json
from striate.cli.grid import add, show, table_of
from striate.errors import SettingsError, printable

if TYPE_CHECKING:
    from striate.explain.retrieval import Retrieval
    from striate.recipes.similar import Similar

Data = Annotated[str, Parameter(help="A folder, a file or a name, as `train` takes it.")]
Device = Annotated[str, Parameter(help="auto, cpu, cuda or cuda:N.")]
Model = Annotated[Path, Parameter(help="A model.safetensors, or the run directory that holds it.")]
IndexFile = Annotated[Path, Parameter(help="The file that `striate index` wrote.")]
_MEGABYTE = 1_000_000


def index(
    model: Model,
    data: Data,
    /,
    *,
    out: Annotated[Path, Parameter(help="The file to write.")] = Path("index.safetensors"),
    device: Device = "auto",
    json: Json = False,
) -> int:
    """Keep what a model sees in every image of a folder, to find similar ones."""
    made = striate.index_images(model, data, out=out, device=device, quiet=json)
    if json:
        tables.print_json(made.to_dict())
    else:
        tables.print_sentences(
            [f"{made.images:,} images, {made.width:,} features each ({made.taken}), are in {made.path}"]
        )
        tables.print_skipped(made.skipped)
    return 0


def similar(  # noqa: PLR0913 - each is an option of the command
    model: Model,
    images: Annotated[list[Path], Parameter(help="Image files to find others for.", negative="")] = [],  # noqa: B006
    /,
    *,
    index: IndexFile = Path("index.safetensors"),
    k: Annotated[int, Parameter(help="How many of the nearest.")] = 9,
    out: Annotated[Path | None, Parameter(help="A folder for a picture of them.")] = None,
    data: Annotated[str | None, Parameter(help="Where the images of the index are, if they have moved.")] = None,
    measure: Annotated[
        bool, Parameter(negative="", help="Say how well the nearest are of one class; no images are given then.")
    ] = False,
    device: Device = "auto",
    json: Json = False,
) -> int:
    """Find the images nearest to others: in what the model sees, and beside it in plain pixels."""
    if measure == bool(images):
        raise SettingsError("similar takes images to find others for, or --measure and no images; give one of both")
    if measure:
        measures = striate.measure_similar(model, index=index, quiet=json)
        if json:
            tables.print_json(vars(measures))
        else:
            print_retrieval(measures)
        return 0
    found = striate.similar_images(model, images, index=index, k=k, out=out, data=data, device=device, quiet=json)
    if json:
        tables.print_json(found.to_dict())
    else:
        print_similar(found)
    return 2 if found.skipped else 0


def map_(
    model: Model,
    data: Data,
    /,
    *,
    out: Annotated[Path, Parameter(help="The folder to make.")] = Path("map"),
    by: Annotated[Literal["tsne", "pca"], Parameter(help="tsne, or pca: two principal components.")] = "tsne",
    device: Device = "auto",
    json: Json = False,
) -> int:
    """Lay the images of a folder on a map, near each other where the model takes them for alike."""
    made = striate.map_images(model, data, out=out, by=by, device=device, quiet=json)
    if json:
        tables.print_json(made.to_dict())
    else:
        part = "" if made.shown == made.images else f", of which {made.shown:,} are shown"
        size = f"{made.page_bytes / _MEGABYTE:.1f} MB, needs nothing else"
        tables.print_sentences([f"{made.images:,} images{part}: {made.told}", f"page     {made.page} ({size})"])
        tables.print_sentences([f"picture  {made.picture}"])
        tables.print_skipped(made.skipped)
    return 0


def print_similar(found: "Similar") -> None:
    """For each query a table: rank by rank the nearest in features and the nearest in pixels."""
    for answer in found.answers:
        show(printable(f"{answer.query}: {answer.said} {tables.percent(answer.probability)}"))
        table = table_of("", "in features", "class", right=("cosine",))
        table.add_column("in pixels", overflow="fold")
        table.add_column("class", overflow="fold")
        table.add_column("L2", justify="right", no_wrap=True)
        for rank, (seen, plain) in enumerate(zip(answer.features, answer.pixels, strict=False), 1):
            cells = [
                (own.name + " (the query itself)" * own.same, own.label, form.format(own.value))
                for own, form in ((seen, "{:.3f}"), (plain, "{:.1f}"))
            ]
            add(table, str(rank), *cells[0], *cells[1])
        show(table)
    tables.print_sentences(found.remarks)
    if found.picture is not None:
        show(printable(f"picture  {found.picture}"))
    tables.print_skipped(found.skipped)


def print_retrieval(measures: "Retrieval") -> None:
    """Precision, recall and hits by k, and the mean average precision."""
    table = table_of("k", right=("precision", "recall", "hit"))
    for rank, precision in measures.precision.items():
        figures = (precision, measures.recall[rank], measures.hit[rank])
        add(table, str(rank), *(tables.percent(figure) for figure in figures))
    show(table)
    alone = f"; {measures.alone:,} are alone in their class and do not ask" if measures.alone else ""
    mean = tables.percent(measures.mean_average_precision)
    show(f"mean average precision {mean} of {measures.queries:,} images{alone}")
