"""The largest batch, and the largest image, that a memory holds: predictions of `memory`, searched."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from striate.arithmetic.memory import read_bytes
from striate.description.memory import Conditions, inference_bytes, memory_of, training_bytes
from striate.description.subjects import Size, Subject, subject
from striate.description.trace import trace
from striate.errors import SettingsError

_MOST_IMAGES, _LONGEST_SIDE = 1_000_000, 16_384
_STEPS = (1, 2, 4, 8, 16, 32, 64)  # pixels
_STRAIGHT = 5  # questions after which a search that follows lines also halves


@dataclass(frozen=True)
class Fits:
    """What fits in `budget` bytes: the largest batch at `size`, and the largest size at `batch`; 0 or None if nothing.

    The least is the bytes of the smallest batch that runs: one image, or two where batch normalisation needs them.
    A size is the whole image's (H, W), enlarged or shrunk from the network's own.
    """

    budget: int
    size: tuple[int, ...]
    batch: int
    training_batch: int
    inference_batch: int
    training_size: tuple[int, ...] | None
    inference_size: tuple[int, ...] | None
    training_least: int | None
    inference_least: int | None
    why_not: str  # what the network raised where even that does not run


def fit_memory(
    network: str | Path | nn.Module,
    memory: str | int,
    size: Size | None = None,
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    batch: int = 32,
    number_format: str = "float32",
    optimizer: str = "momentum",
) -> Fits:
    """The largest batch, and the largest image at `batch`, that fit in `memory`, as "8GB" or a number of bytes.

    The arguments and errors are those of `describe`. A network that does not run at another size has its own alone.
    """
    chosen = subject(network, size, num_classes=num_classes, in_channels=in_channels)
    if not isinstance(memory, str) and (not isinstance(memory, int) or isinstance(memory, bool) or memory < 1):
        raise SettingsError(f'memory is {memory!r}; expected a size, as "8GB", or a number of bytes')
    budget = memory if isinstance(memory, int) else read_bytes(memory)
    conditions = Conditions((chosen.in_channels, *chosen.size), batch, number_format, optimizer)
    trace(chosen.network(), conditions.image_shape)  # whose error names the layer that does not fit
    alone, pair = (memory_of(chosen.network(), replace(conditions, batch=least)) for least in (1, 2))
    return Fits(
        budget,
        chosen.size,
        batch,
        _largest_batch(training_bytes, chosen, conditions, budget),
        _largest_batch(inference_bytes, chosen, conditions, budget),
        _largest_size(training_bytes, chosen, conditions, budget),
        _largest_size(inference_bytes, chosen, conditions, budget),
        alone.training or pair.training,
        alone.inference or pair.inference,
        pair.why_not,
    )


Bytes = Callable[[nn.Module, Conditions], int]


def _largest_batch(bytes_of: Bytes, chosen: Subject, conditions: Conditions, budget: int) -> int:
    network = chosen.network()

    def needed(batch: int) -> int:
        try:
            return bytes_of(network, replace(conditions, batch=batch))
        except Exception:  # as batch normalisation of a single value in training
            return budget + 1

    return largest(needed, budget, 2, _MOST_IMAGES)


def _largest_size(bytes_of: Bytes, chosen: Subject, conditions: Conditions, budget: int) -> tuple[int, ...] | None:
    """Bytes grow with the square of the side. A side too small for the network counts as one that fits.

    Some networks take only sides in steps, as one that halves its maps and joins them again: the search goes in these.
    """
    own = min(chosen.size)

    def size_of(side: int) -> tuple[int, ...]:
        return tuple(round(length * side / own) for length in chosen.size)

    def runs(side: int) -> int | None:
        size = size_of(side)
        try:
            return bytes_of(chosen.build(size), replace(conditions, image_shape=(chosen.in_channels, *size)))
        except Exception:  # any that a forward raises: it does not run
            return None

    step = next((step for step in _STEPS if runs(own + step) is not None), 1)
    first = own % step

    def needed(steps: int) -> int:
        side = first + steps * step
        bytes_ = runs(side)
        return (0 if side < own else budget + 1) if bytes_ is None else bytes_

    side = first + step * largest(needed, budget, own // step, _LONGEST_SIDE // step, power=len(chosen.size))
    return size_of(side) if side and runs(side) is not None else None


def largest(needed: Callable[[int], int], budget: int, start: int, most: int, *, power: int = 1) -> int:
    """The largest n up to `most` with needed(n) <= budget, 0 if there is none; `needed` grows about as n to a power.

    From two points the next is where the line through them would meet the budget; should that creep, every second
    question halves what is left.
    """
    known: dict[int, int] = {}
    low, high, guess = 0, most + 1, start
    while high - low > 1:
        guess = min(max(guess, low + 1), high - 1)
        known[guess] = needed(guess)
        low, high = (guess, high) if known[guess] <= budget else (low, guess)
        if len(known) == 1:
            guess = 2 * start if low else start // 2
        elif len(known) > _STRAIGHT and len(known) % 2:
            guess = (low + high) // 2
        else:
            guess = _meeting(known, budget, power)
    return low


def _meeting(known: dict[int, int], budget: int, power: int) -> int:
    """Where the line through the two points nearest to the budget meets it, in n to the power."""
    near = sorted(known, key=lambda n: abs(known[n] - budget))[:2]
    (x, y), (x2, y2) = ((n**power, known[n]) for n in sorted(near))
    if y2 <= y:
        return sum(near) // 2
    meeting: float = max(0.0, x + (budget - y) * (x2 - x) / (y2 - y)) ** (1 / power)
    return round(meeting)
