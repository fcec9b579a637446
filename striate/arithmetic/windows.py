"""How many places a sliding window has: floor((W + 2P - D(F - 1) - 1) / S) + 1."""

from striate.errors import SizeError


def output_size(length: int, window: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Number of positions of a window of `window` values on `length` values.

    Raises SizeError if not even one position fits.

    >>> output_size(32, 5), output_size(28, 2, stride=2), output_size(7, 3, stride=3)
    (28, 14, 2)
    """
    reach = dilation * (window - 1) + 1
    if length + 2 * padding < reach:
        raise SizeError(
            f"a window of {reach} does not fit on {length} values with a padding of {padding}: enlarge the input"
        )
    return (length + 2 * padding - reach) // stride + 1
