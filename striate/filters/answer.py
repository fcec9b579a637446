"""What every kernel and operation answers with: told in sentences, given as plain values, drawn before and after."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from striate.filters.panels import Panel
from striate.images.reading import Pixels


class Answer(ABC):
    """What was found on an `image` (H, W, C)."""

    image: Pixels

    @property
    @abstractmethod
    def name(self) -> str:
        """The kernel or operation that was applied."""

    @abstractmethod
    def sentences(self) -> list[str]:
        """What was applied and what came out, for a person."""

    @abstractmethod
    def findings(self) -> dict[str, Any]:
        """What came out, as plain values."""

    @abstractmethod
    def panels(self) -> list[Panel]:
        """Before and after, side by side."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `size` is (H, W)."""
        return {"name": self.name, "size": list(self.image.shape[:2])} | self.findings()

    def save_picture(self, path: str | Path) -> Path:
        """Draw before and after into a PNG, PDF or SVG.

        Raises SettingsError for another ending and StorageError if the file cannot be written.
        """
        from striate.filters.picture import draw_panels  # noqa: PLC0415 - matplotlib takes long

        return draw_panels(self.panels(), Path(path))
