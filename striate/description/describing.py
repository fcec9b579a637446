"""`describe`: the card of any network, before a minute is spent on it."""

from pathlib import Path

from torch import nn

from striate.architectures.architecture import Declaration
from striate.description.card import Card, card_of
from striate.description.memory import Conditions
from striate.description.subjects import Size, Subject, of_declaration, subject
from striate.description.trace import trace
from striate.errors import SizeError, StriateError

_LARGEST_TRIED = 1_024  # pixels, in looking for a size that a network can take


def describe(
    network: str | Path | nn.Module,
    size: Size | None = None,
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    batch: int = 32,
    number_format: str = "float32",
    optimizer: str = "momentum",
) -> Card:
    """The card of a network: layers, parameters, multiplies, receptive fields, memory. No weights are allocated.

    Args:
        network: a module (also timm's, torchvision's, your own), a name of the catalogue, a layer pattern, a model file
            or run directory, or "package.module:function".
        size: pixels of the image: one number for a square, or (length,), (height, width), (depth, height, width). A
            name, a pattern and a file have their own; a module needs it.
        num_classes: the number of scores, where the network is yet to be built.
        in_channels: 1 for grey, 3 for colour.
        batch: images for which the memory is asked.
        number_format: float64, float32, bfloat16 or float16, of weights, activations, gradients and optimizer states.
        optimizer: sgd, momentum or adamw; how much it keeps for each parameter.

    Raises:
        SizeError: the network cannot take the images; the sentence names the layer and, if there is one, a size that
            works.
        UnknownNameError, ModelFileError, PatternError, SettingsError: there is no such network or setting.

    >>> card = describe("lenet5")
    >>> card.parameters, card.multiplies, card.rows[1].output, card.rows[2].field.size
    (61706, 416520, (6, 28, 28), (6, 6))
    """
    chosen = subject(network, size, num_classes=num_classes, in_channels=in_channels)
    return describe_subject(chosen, batch=batch, number_format=number_format, optimizer=optimizer)


def describe_network(declaration: Declaration) -> Card:
    """The card of a declared network."""
    return describe_subject(of_declaration(declaration))


def describe_subject(
    chosen: Subject, *, batch: int = 32, number_format: str = "float32", optimizer: str = "momentum"
) -> Card:
    """The card of what `subject` found."""
    conditions = Conditions((chosen.in_channels, *chosen.size), batch, number_format, optimizer)
    network = chosen.network()
    try:
        return card_of(chosen.name, network, conditions)
    except SizeError as error:
        works = _size_that_works(chosen, collapsed="which is smaller" in str(error))
        if works is None:
            raise
        raise SizeError(f"{error}; a size of {works} works") from error


def _size_that_works(chosen: Subject, *, collapsed: bool) -> int | None:
    """The side of a larger square that the network takes: for a map that collapsed the smallest, else a round one."""

    def works(side: int) -> bool:
        try:
            sides = (side,) * len(chosen.size)
            trace(chosen.build(sides), (chosen.in_channels, *sides))
        except StriateError:
            return False
        return True

    least = min(chosen.size)
    if not collapsed:
        round_ = {-(-least // step) * step for step in (2, 4, 8, 16, 32, 64)} | {224}
        return next((side for side in sorted(round_) if side > least and works(side)), None)
    low, high = least, 2 * least
    while high <= _LARGEST_TRIED and not works(high):
        low, high = high, 2 * high
    if high > _LARGEST_TRIED:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high
