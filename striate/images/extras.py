"""The packages of the extra `deep`: imported for the files that need them, asked for where they are missing."""

import logging
from importlib import import_module
from types import ModuleType

from striate.errors import ImageError


def deep_package(name: str, wanted: str) -> ModuleType:
    """`imagecodecs` or `tifffile`. Raises ImageError, which says that `wanted` needs it, if it is not installed."""
    logging.getLogger(name).addHandler(logging.NullHandler())  # what it says of odd tags is not for people
    try:
        return import_module(name)
    except ImportError as error:
        raise ImageError(f"{wanted} needs {name}: pip install 'striate[deep]'") from error
