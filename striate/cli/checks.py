"""What `striate check` found, as a person reads it in a terminal."""

from shlex import quote
from typing import TYPE_CHECKING

from striate.cli.grid import add, show, table_of
from striate.errors import printable

if TYPE_CHECKING:
    from striate.recipes.checking import CheckResult

_MARKS = {"fault": "✗", "look": "?", "note": "·"}


def print_check(result: "CheckResult") -> None:
    """A table of findings, and where to go on."""
    facts = result.facts
    parts = ", ".join(f"{count:,} {part}" for part, count in facts["parts"].items() if count)
    show(printable(f"{result.name}: {facts['images']:,} images ({parts}), {len(facts['classes'])} classes"))
    table = table_of("", "finding", right=("how many",), last="worst example, and what to do")
    for finding in result.findings:
        add(table, _MARKS[finding.level], finding.title, finding.many, finding.example)
        add(table, "", "", "", f"→ {finding.advice}")
    show(table)
    if result.clean:
        show("nothing wrong was found")
    show(printable(f"page      {result.page}"))
    if result.left_out:
        many = f"{len(result.left_out):,} image{'s' * (len(result.left_out) > 1)}"
        show(printable(f"proposal  {many} better left out: --exclude {quote(str(result.folder / 'exclude.txt'))}"))
