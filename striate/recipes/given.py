"""What is given in Python, as settings: a path, a name, or a data set made there, and any setting by its name."""

import os
from collections.abc import Mapping
from typing import Any

from striate.datasets.dataset import Dataset
from striate.recipes.settings import Settings


def settings_for(
    data: str | os.PathLike[str] | Dataset | None, changes: Mapping[str, Any], base: Settings | None = None
) -> tuple[Settings, Dataset | None]:
    """The settings with what is given in Python, and the data set itself if it was made there."""
    given = data if isinstance(data, Dataset) else None
    changed = dict(changes)
    if data is not None:
        changed["data"] = given.name if given else os.fspath(data)  # type: ignore[arg-type]
    return (base or Settings()).but(**changed), given
