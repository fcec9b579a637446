"""A list of images to leave out: one name a line, or the check.csv of `striate check`, whose suggestions are taken."""

import csv
import io
from pathlib import Path

from striate.errors import DataError


def read_excluded(path: Path) -> tuple[str, ...]:
    """The names of a list. Raises DataError if it cannot be read.

    In a text file empty lines and lines that begin with # say nothing; of a .csv file with the columns path and
    suggestion the rows that say yes are taken.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"the list {path} cannot be read: {reason}; expected one name a line") from error
    if path.suffix.lower() != ".csv":
        lines = (line.strip() for line in text.splitlines())
        return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if not {"path", "suggestion"} <= set(rows.fieldnames or ()):
        raise DataError(
            f"{path} has the columns {', '.join(rows.fieldnames or ['none'])}; expected path and suggestion, as "
            "`striate check` writes them"
        )
    return tuple(dict.fromkeys(row["path"] for row in rows if (row["suggestion"] or "").strip().lower() == "yes"))
