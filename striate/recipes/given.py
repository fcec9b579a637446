"""What is given in Python, as settings: a path, a name, or a data set made there, and any setting by its name."""

import os
from collections.abc import Mapping
from typing import Any

from striate.datasets.dataset import Dataset
from striate.errors import SettingsError
from striate.recipes.settings import Settings


def settings_for(
    data: str | os.PathLike[str] | Dataset | None, changes: Mapping[str, Any], base: Settings | None = None
) -> tuple[Settings, Dataset | None]:
    """The settings with what is given in Python, and the data set itself if it was made there.

    Raises SettingsError for data of another kind.
    """
    if not (data is None or isinstance(data, str | os.PathLike | Dataset)):
        raise SettingsError(
            f"data is a {type(data).__name__}; expected a path, a name, or a Dataset: striate.from_arrays makes one of "
            "arrays, and striate.ImageClassifier takes data frames and lists"
        )
    given = data if isinstance(data, Dataset) else None
    changed = dict(changes)
    if data is not None:
        changed["data"] = data.name if isinstance(data, Dataset) else os.fspath(data)
    return (base or Settings()).but(**changed), given
