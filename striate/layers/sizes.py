"""Sizes as torch.nn takes them: one whole number for both axes of a map, or two, for its height and its width."""

from striate.errors import SettingsError

Sizes = int | tuple[int, int]


def pair(name: str, value: Sizes, *, least: int = 1) -> tuple[int, int]:
    """The sizes for height and width of the setting `name`.

    Raises SettingsError for anything but one or two whole numbers from `least` on.

    >>> pair("kernel_size", 3), pair("padding", (0, 1), least=0)
    ((3, 3), (0, 1))
    """
    both = (value, value) if isinstance(value, int) else tuple(value) if isinstance(value, tuple | list) else ()
    if len(both) == 2 and all(isinstance(size, int) and size >= least for size in both):
        return both
    wanted = f"a whole number from {least} on, or two of them, for height and for width"
    raise SettingsError(f"{name} is {value!r}; expected {wanted}")
