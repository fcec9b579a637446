"""The kernels of the lectures, number by number: whole weights and one divisor, so that nothing is rounded.

Sources: the lectures' "Common Filters in CV", "A Filter for Vertical Edge Detection" and "Sobel Filter"; Prewitt,
"Object enhancement and extraction", 1970; Sobel and Feldman, "A 3x3 isotropic gradient operator", 1968. A kernel is
laid on the image as it is printed, not turned over (see `correlate`). Plain integers need no NumPy: the command line
lists the names without loading it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import index

from striate.errors import SettingsError, UnknownNameError

_LARGEST = 2**31  # of a weight: products with pixels of up to 31 bits stay exact in 64


@dataclass(frozen=True)
class Kernel:
    """Weights as rows of whole numbers, each to be divided by `divisor`; numpy.array(kernel.weights) is (F, F).

    Raises SettingsError for rows of several lengths, for weights that are no whole numbers, and for a divisor of 0.

    >>> Kernel("mean of two", [[1, 1]], divisor=2).total
    Fraction(1, 1)
    """

    name: str
    weights: Sequence[Sequence[int]]
    divisor: int = 1
    meaning: str = ""

    def __post_init__(self) -> None:
        try:
            rows = tuple(tuple(index(weight) for weight in row) for row in self.weights)
            divisor = index(self.divisor)
        except TypeError as error:
            raise SettingsError(f"kernel {self.name}: {error}; expected rows of whole numbers and a divisor") from error
        if divisor == 0:
            raise SettingsError(f"kernel {self.name} has a divisor of 0; expected 1 for none")
        if not rows or not rows[0] or len({len(row) for row in rows}) > 1:
            lengths = ", ".join(str(len(row)) for row in rows) or "none"
            raise SettingsError(f"kernel {self.name} has rows of these lengths: {lengths}; expected equal ones, from 1")
        if max(abs(number) for row in (*rows, (divisor,)) for number in row) >= _LARGEST:
            raise SettingsError(f"kernel {self.name} has numbers of {_LARGEST:,} or more; expected smaller ones")
        object.__setattr__(self, "weights", rows)
        object.__setattr__(self, "divisor", divisor)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return len(self.weights), len(self.weights[0])

    @property
    def factor(self) -> Fraction:
        """What the sum of products is multiplied by."""
        return Fraction(1, self.divisor)

    @property
    def total(self) -> Fraction:
        """Its response on a flat image of ones: 1 keeps the brightness, 0 is that of an edge kernel."""
        return sum(map(sum, self.weights)) * self.factor

    @property
    def signed(self) -> bool:
        """Whether its responses are differences, around zero, and not an image."""
        return self.total == 0


def kernel_of(kernel: str | Kernel) -> Kernel:
    """A kernel of the lectures by its name, or one's own as it is.

    Raises UnknownNameError, which offers the nearest, and SettingsError for what is neither.

    >>> kernel_of("gaussian_3x3").weights, kernel_of("gaussian_3x3").factor
    (((1, 2, 1), (2, 4, 2), (1, 2, 1)), Fraction(1, 16))
    """
    if isinstance(kernel, Kernel):
        return kernel
    if not isinstance(kernel, str):
        kind = type(kernel).__name__
        raise SettingsError(f"a {kind} is no kernel; expected a name, as 'sobel', or Kernel(name, weights, divisor)")
    if kernel not in KERNELS:
        raise UnknownNameError("kernel", kernel, KERNELS)
    return KERNELS[kernel]


def _kernel(name: str, printed: str, divisor: int, meaning: str) -> Kernel:
    """A kernel from its rows as one writes them on a board."""
    return Kernel(name, [[int(weight) for weight in row.split()] for row in printed.split("/")], divisor, meaning)


_GAUSSIAN = "1 4 6 4 1 / 4 16 24 16 4 / 6 24 {} 24 6 / 4 16 24 16 4 / 1 4 6 4 1"

KERNELS = {
    kernel.name: kernel
    for kernel in (
        _kernel("identity", "0 0 0 / 0 1 0 / 0 0 0", 1, "the image itself"),
        _kernel(
            "edge_diagonal", "1 0 -1 / 0 0 0 / -1 0 1", 1, "corners and slanted edges; blind to upright and level ones"
        ),
        _kernel("laplacian_4", "0 -1 0 / -1 4 -1 / 0 -1 0", 1, "edges of every direction: a pixel less four around it"),
        _kernel(
            "laplacian_8", "-1 -1 -1 / -1 8 -1 / -1 -1 -1", 1, "edges and points: a pixel less all eight around it"
        ),
        _kernel("sharpen", "0 -1 0 / -1 5 -1 / 0 -1 0", 1, "sharper: the image and its laplacian_4"),
        _kernel("box_blur", "1 1 1 / 1 1 1 / 1 1 1", 9, "softer: the mean of nine pixels"),
        _kernel("gaussian_3x3", "1 2 1 / 2 4 2 / 1 2 1", 16, "softer, near pixels counting more"),
        _kernel("gaussian_5x5", _GAUSSIAN.format(36), 256, "softer still, near pixels counting more"),
        _kernel("unsharp_5x5", _GAUSSIAN.format(-476), -256, "sharper: twice the image less its gaussian_5x5"),
        _kernel("prewitt", "1 0 -1 / 1 0 -1 / 1 0 -1", 1, "upright edges: positive where it is brighter on the left"),
        _kernel("sobel", "1 0 -1 / 2 0 -2 / 1 0 -1", 1, "upright edges, the middle counting twice"),
        _kernel("sobel_horizontal", "1 2 1 / 0 0 0 / -1 -2 -1", 1, "level edges: positive where it is brighter above"),
    )
}
