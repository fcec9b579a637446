"""A drawn figure as a file: PNG for screens, PDF or SVG for paper."""

from pathlib import Path
from typing import TYPE_CHECKING

from striate.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ENDINGS = (".png", ".pdf", ".svg")
_DOTS = 160  # to the inch


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write it. Raises SettingsError for another ending, and StorageError if the file cannot be written."""
    if path.suffix.lower() not in _ENDINGS:
        raise SettingsError(f"the picture's name is {path.name}; expected one that ends in {', '.join(_ENDINGS)}")
    try:
        figure.savefig(path, dpi=_DOTS)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}; choose another place") from error
    return path
