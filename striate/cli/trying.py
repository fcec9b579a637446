"""`train --advise` and `train --find-rate`: what is asked before a training."""

from pathlib import Path
from typing import TYPE_CHECKING

import striate
from striate.cli.grid import add, show, table_of
from striate.cli.tables import print_json
from striate.images.saving import expect_picture_name

if TYPE_CHECKING:
    from striate.recipes.settings import Settings


def advise(settings: "Settings", json: bool) -> int:
    """Print the ways to train, the advised one marked."""
    advice = striate.advise_training(**vars(settings))
    if json:
        print_json(advice.to_dict())
        return 0
    table = table_of("freeze", right=("parameters that learn", "multiplies of an image in each epoch"), last="")
    for way in advice.ways:
        add(table, way.freeze, f"{way.parameters:,}", f"{way.multiplies:,}", "advised here" if way.advised else "")
    show(table)
    show(f"{advice.images:,} training images of {advice.classes:,} classes: {advice.reason}", advice.command)
    return 0


def find_rate(settings: "Settings", picture: Path, json: bool) -> int:
    """Print the rate that a short run suggests, and draw why."""
    expect_picture_name(picture)  # before all the work
    answer = striate.find_rate(**vars(settings), quiet=json)
    place = answer.save_picture(picture)
    if json:
        print_json({"picture": str(place)} | answer.to_dict())
    else:
        show(f"take --rate {answer.found.suggestion:.2g}; why is drawn in {place}")
    return 0
