"""What `describe` and `compare` answer, as a person reads it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from striate.arithmetic.memory import short, written_bytes
from striate.cli.grid import add, full, show, show_widest, sizes, table_of
from striate.errors import SettingsError

if TYPE_CHECKING:
    from striate.description.advice import Finding
    from striate.description.card import Card
    from striate.description.comparison import Comparison
    from striate.description.fitting import Fits
    from striate.description.listing import Models
    from striate.description.scaling import Proposal

_NAMED, _ROWS = 10, 60  # shown at the most; --json has them all
Write = Callable[[int], str]


def print_card(card: "Card", depth: int | None = None) -> None:
    """The layers of a network, grouped by module, and the totals."""
    shown = _shown(card, depth)
    show(f"{card.name}, for one image")
    show_widest(
        lambda: _layers(shown, card, full),
        lambda: _layers(shown, card, short),
        lambda: _layers(shown, card, short, ("layer", "window")),
        lambda: _layers(shown, card, short, ("layer",)),
        lambda: _layers(shown, card, short, ("layer",), ("parameters", "multiplies")),
    )
    if len(shown.rows) < len(card.rows):
        show(f"{len(card.rows)} layers in {len(shown.rows)} rows; --depth shows more or fewer.")
    show(*card.sentences())


_NAMES, _FIGURES = ("layer", "kind", "window"), ("output", "parameters", "multiplies", "activations", "field")


def _layers(
    shown: "Card", card: "Card", write: Write, names: tuple[str, ...] = _NAMES, figures: tuple[str, ...] = _FIGURES
) -> Table:
    table = table_of(*names, right=figures)
    for row in shown.rows:
        cells = {
            "layer": row.layer,
            "kind": row.kind,
            "window": str(row.window or ""),
            "output": sizes(row.output),
            "field": str(row.field or "?") if row.output else "",
        }
        cells |= {count: write(getattr(row, count)) for count in _COUNTS}
        add(table, *(cells[column] for column in names + figures))
    table.add_section()
    totals = {"layer": "total"} | {count: write(getattr(card, count)) for count in _COUNTS}
    add(table, *(totals.get(column, "") for column in names + figures))
    return table


_COUNTS = ("parameters", "multiplies", "activations")


def _shown(card: "Card", depth: int | None) -> "Card":
    """The card at the depth that was asked for, else the deepest that can be taken in."""
    if depth is not None:
        if depth < 0:
            raise SettingsError(f"depth is {depth}; expected 0 (one row) or more")
        return card.grouped(depth)
    deepest = max(row.layer.count(".") for row in card.rows) + 1
    depths = (card, *(card.grouped(level) for level in range(deepest - 1, 0, -1)))
    return next((shown for shown in depths if len(shown.rows) <= _ROWS), depths[-1])


def print_advice(findings: "Sequence[Finding]") -> None:
    """Rules of thumb that the network departs from."""
    show("", f"Rules of thumb: {f'departs from {len(findings)}, each at a price' if findings else 'all kept'}.")
    show(*(f"  {finding}" for finding in findings[:_NAMED]))
    if len(findings) > _NAMED:
        show(f"  and {len(findings) - _NAMED} more; --json names each")


def print_fits(fits: "Fits") -> None:
    """The largest batch and the largest image that a memory holds."""
    table = table_of(f"in {written_bytes(fits.budget)}", right=("training", "inference"))
    batches = (f"{batch:,}" if batch else "none" for batch in (fits.training_batch, fits.inference_batch))
    add(table, f"largest batch of images of {sizes(fits.size)}", *batches)
    largest = (sizes(size) if size else "none" for size in (fits.training_size, fits.inference_size))
    add(table, f"largest images in batches of {fits.batch}", *largest)
    least = (
        written_bytes(bytes_) if bytes_ else "cannot run" for bytes_ in (fits.training_least, fits.inference_least)
    )
    add(table, f"the least that images of {sizes(fits.size)} need", *least)
    show("", table)
    if fits.why_not:
        show(f"cannot run: {fits.why_not}")


def print_proposal(proposal: "Proposal") -> None:
    """A scaled network: how far the rule went, what came of it, and its card."""
    table = table_of(f"{proposal.base}, scaled", right=("phi", "times B0's"))
    for way, phi, factor in zip(proposal.phi._fields, proposal.phi, proposal.factors, strict=True):
        add(table, way, f"{phi:.2f}", f"{factor:.3f}")
    show(table, *proposal.sentences(), "")
    print_card(proposal.card)


def print_comparison(comparison: "Comparison") -> None:
    """Networks side by side, and who needs most."""
    show(f"for one image; memory for batches of {comparison.batch} in float32, training with momentum")
    show_widest(
        lambda: _networks(comparison, full, *_COLUMNS),
        lambda: _networks(comparison, short, *_COLUMNS),
        lambda: _networks(comparison, short, "image", "parameters", "multiplies", "training", "top-1"),
        lambda: _networks(comparison, short, "parameters", "multiplies", "top-1"),
    )
    show(*comparison.findings())
    accuracies = [(row.name, row.accuracy.source) for row in comparison.rows if row.accuracy]
    for source in dict.fromkeys(source for _, source in accuracies):
        names = dict.fromkeys(name for name, own in accuracies if own == source)
        show(f"accuracy of {', '.join(names)}: {source}")


def print_models(models: "Models") -> None:
    """The catalogue, and who measured its accuracies."""
    show_widest(
        lambda: _models(models, full, "paper", "image", "parameters", "multiplies", "top-1"),
        lambda: _models(models, short, "paper", "image", "parameters", "multiplies", "top-1"),
        lambda: _models(models, short, "year", "image", "parameters", "multiplies", "top-1"),
        lambda: _models(models, short, "parameters", "multiplies", "top-1"),
    )
    show(*models.sources())


def _models(models: "Models", write: Write, *columns: str) -> Table:
    names = [column for column in columns if column == "paper"]
    table = table_of("network", *names, right=[column for column in columns if column not in names])
    for row in models.rows:
        cells = {
            "paper": row.paper,
            "year": str(row.year),
            "image": sizes(row.size),
            "parameters": write(row.parameters),
            "multiplies": write(row.multiplies),
            "top-1": row.top1,
        }
        add(table, row.name, *(cells[column] for column in columns))
    return table


_COLUMNS = ("image", "parameters", "multiplies", "activations", "field", "inference", "training", "top-1")


def _networks(comparison: "Comparison", write: Write, *columns: str) -> Table:
    table = table_of("network", right=columns)
    for row in comparison.rows:
        cells = {
            "image": sizes(row.size),
            "parameters": write(row.parameters),
            "multiplies": write(row.multiplies),
            "activations": write(row.activations),
            "field": _side(row.field),
            "inference": written_bytes(row.inference_bytes) if row.inference_bytes else "?",
            "training": written_bytes(row.training_bytes) if row.training_bytes else "?",
            "top-1": f"{row.accuracy.top1:.1f} %" if row.accuracy else "–",
        }
        add(table, row.name, *(cells[column] for column in columns))
    return table


def _side(field: Sequence[int] | None) -> str:
    if field is None:
        return "?"
    return str(field[0]) if len(set(field)) == 1 else sizes(field)
