"""The extra `deep`: imagecodecs, imported for the files that need it, asked for in a sentence where it is missing."""

from importlib import import_module
from types import ModuleType

from striate.errors import ImageError


def load_imagecodecs(wanted: str) -> ModuleType:
    """The package. Raises ImageError, which says that `wanted` needs it, if it is not installed."""
    try:
        return import_module("imagecodecs")
    except ImportError as error:
        raise ImageError(f"{wanted} needs imagecodecs: pip install 'striate[deep]'") from error
