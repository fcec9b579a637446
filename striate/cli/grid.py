"""Tables in a terminal: cells shown as they are, figures never cut, the widest form that fits."""

from collections.abc import Callable, Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from striate.errors import printable


def table_of(*left: str, right: Sequence[str] = (), last: str | None = None) -> Table:
    """A table with names to the left, figures to the right, which are never broken, and perhaps a text."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    if last is not None:
        table.add_column(last, overflow="fold")
    return table


def add(table: Table, *cells: str) -> None:
    """A row whose cells are shown as they are: a file may be called [red]."""
    table.add_row(*(Text(printable(cell)) for cell in cells))


def show(*what: Table | str) -> None:
    """To the standard output; names are never taken for markup, nor cut where there is no terminal."""
    console = _console()
    for part in what:
        console.print(Text(part) if isinstance(part, str) else part)


def show_widest(*forms: Callable[[], Table]) -> None:
    """The first form that fits the terminal; the last one as it is, if none does."""
    console = _console()
    for form in forms:
        table = form()
        wanted = console.measure(table, options=console.options.update(width=10_000)).maximum
        if wanted <= console.width or form is forms[-1]:
            console.print(table)
            return


def counting(names: Sequence[str]) -> Iterable[str]:
    """The names one by one, with a bar on a terminal's standard error for as long as they take."""
    console = Console(stderr=True)
    return track(names, "counting", console=console, transient=True, disable=not console.is_terminal)


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    return console


def sizes(values: Sequence[int]) -> str:
    """3×224×224."""
    return "×".join(map(str, values))


def full(count: int) -> str:
    """Every digit: 4,089,184,256."""
    return f"{count:,}"
