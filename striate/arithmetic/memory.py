"""Bytes that a network needs: for inference the live set, for training also what the backward pass asks for.

Sizes come in values (numbers), and become bytes by the number format. 1 GB is 10^9 bytes, 1 GiB is 2^30.
"""

from collections.abc import Iterable
from itertools import accumulate, pairwise

from striate.errors import SettingsError

NUMBER_FORMATS = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}  # bytes of a number
OPTIMIZER_STATES = {"sgd": 0, "momentum": 1, "adamw": 2}  # numbers kept for each parameter from step to step
OPTIMIZER_SCRATCH = {"sgd": 0, "momentum": 0, "adamw": 2}  # numbers for each value of the weight that it works on
_UNITS = {
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}


def peak(changes: Iterable[int]) -> int:
    """The most that is held at once, when each change adds to it (a tensor made) or takes from it (one let go).

    >>> peak([4, 2, -4, 3, -2])
    6
    """
    return max(accumulate(changes, initial=0))


def chain_inference(values: Iterable[int]) -> int:
    """Values alive at once in a chain of layers: each needs its input and its output, and then lets the input go.

    >>> chain_inference([224 * 224 * 3, 224 * 224 * 64, 224 * 224 * 64])  # the second layer of VGG-16
    6422528
    """
    sizes = list(values)
    return max((before + after for before, after in pairwise(sizes)), default=sum(sizes))


def chain_training(values: Iterable[int]) -> int:
    """Values of a chain kept for the backward pass, and as many for their gradients: twice all of them.

    >>> chain_training([224 * 224 * 64] * 3) * NUMBER_FORMATS["float32"]  # three 3x3 layers, 77 MB
    77070336
    """
    return 2 * sum(values)


def parameter_values(parameters: int, *, optimizer: str = "momentum") -> int:
    """Numbers held for the parameters in training: themselves, their gradients, the optimizer's states.

    >>> parameter_values(1_000), parameter_values(1_000, optimizer="adamw")
    (3000, 4000)
    """
    if optimizer not in OPTIMIZER_STATES:
        raise SettingsError(f"optimizer is {optimizer!r}; expected one of {', '.join(OPTIMIZER_STATES)}")
    return parameters * (2 + OPTIMIZER_STATES[optimizer])


def read_bytes(text: str) -> int:
    """A size as people write it.

    >>> read_bytes("8GB"), read_bytes("1.5 GiB")
    (8000000000, 1610612736)
    """
    number = text.strip().upper().rstrip("BKMGTI ")
    unit = text.strip().upper()[len(number) :].strip()
    try:
        bytes_ = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        raise SettingsError(f"{text!r} is no size in bytes; expected a number and a unit, as 8GB or 512MiB") from None
    if not 1 <= bytes_ < 2**63:
        raise SettingsError(f"{text!r} is {bytes_:g} bytes; expected 1 byte or more, and less than 2^63")
    return int(bytes_)


def short(count: int) -> str:
    """A number in three digits, and the letter of a power of 1000.

    >>> short(4_089_184_256), short(61_706), short(850)
    ('4.09 G', '61.7 k', '850')
    """
    value, letter = float(count), ""
    for letter in ("", "k", "M", "G", "T"):
        if value < 999.5 or letter == "T":
            break
        value /= 1000
    digits = 0 if not letter or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {letter}".rstrip()


def written_bytes(count: int) -> str:
    """Bytes as people read them.

    >>> written_bytes(61_100_000), written_bytes(999), written_bytes(1_234_567_890)
    ('61.1 MB', '999 B', '1.23 GB')
    """
    return f"{short(count)}B" if short(count)[-1].isalpha() else f"{short(count)} B"
