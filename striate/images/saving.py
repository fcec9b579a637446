"""A drawn figure as a file: PNG for screens, PDF or SVG for paper."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from striate.errors import SettingsError, StorageError
from striate.writing import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ENDINGS = (".png", ".pdf", ".svg")
_DOTS = 160  # to the inch


def expect_picture_name(path: Path) -> None:
    """Raise SettingsError if the name does not end as pictures do."""
    if path.suffix.lower() not in _ENDINGS:
        raise SettingsError(f"the picture's name is {path.name}; expected one that ends in {', '.join(_ENDINGS)}")


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write it whole or not at all.

    Raises SettingsError for another ending, and StorageError if the folder does not exist or takes no file.
    """
    expect_picture_name(path)
    if not path.parent.is_dir():
        raise StorageError(f"{path} cannot be written: there is no folder {path.parent}; make it, or choose another")
    drawn = io.BytesIO()
    figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=_DOTS)
    write_whole(path, drawn.getvalue())
    return path
