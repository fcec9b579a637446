"""The rows of a table, one after the other: CSV (RFC 4180), the same with tabulators, or Apache Parquet.

Every value arrives as text, so '007' stays '007'; the first line of a CSV file names the columns.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from striate.errors import DataError

TABLE_ENDINGS = (".csv", ".tsv", ".parquet")
_BATCH = 10_000  # rows of a Parquet file that are held at a time


def columns_of(path: Path) -> list[str]:
    """The names of the columns. Raises DataError if the file is no table."""
    if path.suffix.lower() == ".parquet":
        return list(_parquet(path).schema_arrow.names)
    _, header = next(_lines(path), (0, []))
    header = [name.strip() for name in header]
    if not "".join(header).isprintable():
        raise DataError(f"{path}, line 1: the names of the columns are not UTF-8 text; save the table as UTF-8")
    if len(header) == 1 and any(mark in header[0] for mark in ";|\t,"):
        expected = "tabulators" if path.suffix.lower() == ".tsv" else "commas"
        raise DataError(f"{path}, line 1: {header[0]!r} is one column; separate the columns by {expected}")
    return header


def rows_of(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """(line, values of those columns) of every row. Raises DataError, naming the line, for a row that is not whole."""
    if path.suffix.lower() == ".parquet":
        yield from _parquet_rows(path, columns)
        return
    header = columns_of(path)
    places = [header.index(column) for column in columns]
    for line, row in _lines(path):
        if line == 1 or not row:
            continue
        if len(row) != len(header):
            raise DataError(
                f"{path}, line {line}: {len(row)} values, expected {len(header)}; put values that hold the separator "
                "in double quotes"
            )
        yield line, [row[place].strip() for place in places]


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    line = 0
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:  # paths need not be text
            reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
            for row in reader:
                line = reader.line_num
                yield line, row
    except csv.Error as error:
        raise DataError(f"{path}, line {line + 1}: {error}; expected comma-separated values as in RFC 4180") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; change its permissions") from error


def _parquet(path: Path) -> Any:
    try:
        import pyarrow.parquet  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise DataError(f"{path} needs pyarrow ({error}): pip install 'striate[parquet]'") from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is not a whole Parquet file: {reason}; write it again") from error


def _parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    file = _parquet(path)
    for column in columns:
        kind = str(file.schema_arrow.field(column).type)
        if kind.startswith(("list", "large_list", "struct", "map", "binary", "large_binary", "float", "double")):
            raise DataError(f"{path}: the column {column!r} holds {kind}; expected text or whole numbers")
    row = 0
    for batch in file.iter_batches(_BATCH, columns=list(columns)):
        values = [batch.column(column).to_pylist() for column in columns]
        for found in zip(*values, strict=True):
            row += 1
            yield row, ["" if value is None else str(value).strip() for value in found]
