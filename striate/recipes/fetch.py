"""`striate fetch`: a data set that is known by name, downloaded when asked to, with its progress."""

import os
from pathlib import Path

from striate.datasets.fetching import fetch as download
from striate.recipes.progress import Display


def fetch(
    name: str, *, to: str | os.PathLike[str] | None = None, mirror: str | None = None, quiet: bool = False
) -> Path:
    """Download a data set of `NAMED` and give the folder that holds it; files that are there already are kept.

    Args:
        name: mnist, fashion_mnist, cifar10 or cifar100.
        to: the folder to make its folder in; where `open_dataset` looks if not given.
        mirror: the address of a folder with the same files, instead of the publisher's.
        quiet: show no progress.

    Raises:
        UnknownNameError, SettingsError, StorageError, DataError: with what to do.
    """
    with Display(quiet=quiet).receiving() as watch:
        return download(name, to=to, mirror=mirror, watch=watch)
