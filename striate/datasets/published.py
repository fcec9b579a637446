"""The data sets that have a name: what they are, who publishes them, and by what their files are known.

`digits` is inside scikit-learn. The others are never downloaded unasked. Lengths and SHA-256 sums of their files are
those that TensorFlow Datasets records for these publishers; a test compares those of Fashion-MNIST's training files
with the files themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from striate.datasets.dataset import Dataset
from striate.datasets.digits import open_digits
from striate.datasets.layouts.cifar import read_cifar, recognises_cifar
from striate.datasets.layouts.idx import read_idx, recognises_idx


@dataclass(frozen=True)
class File:
    """A file as its publisher gives it away."""

    name: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Named:
    """A data set by name; each of `sources` holds all its files, and they are tried in this order."""

    name: str
    title: str
    page: str
    licence: str
    classes: tuple[str, ...]
    sources: tuple[str, ...]
    files: tuple[File, ...]
    recognises: Callable[[Path], bool]
    read: Callable[[Path], Dataset]

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)


def _idx(name: str, classes: tuple[str, ...]) -> Callable[[Path], Dataset]:
    return lambda folder: read_idx(folder, name=name, classes=classes)


def _idx_files(*known: tuple[int, str]) -> tuple[File, ...]:
    """In the order in which they are known: training images and labels, test images and labels."""
    names = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    return tuple(File(name, size, digest) for name, (size, digest) in zip(names, known, strict=True))


_DIGITS = tuple("0123456789")
_CLOTHES = tuple("T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot".split(","))  # noqa: SIM905
_THINGS = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())  # noqa: SIM905
_HUNDRED = tuple(
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
    """.split()  # noqa: SIM905 - a hundred
)
_NOT_STATED = "none is stated; the page asks to cite A. Krizhevsky's report"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"

_ALL = (
    Named(
        name="digits",
        title="1,797 handwritten digits, 8×8, grey (E. Alpaydin, C. Kaynak 1998); inside scikit-learn",
        page="https://archive.ics.uci.edu/dataset/80",
        licence="CC BY 4.0",
        classes=_DIGITS,
        sources=(),
        files=(),
        recognises=lambda _: True,
        read=lambda _: open_digits(),
    ),
    Named(
        name="mnist",
        title="70,000 handwritten digits, 28×28, grey (Y. LeCun, C. Cortes, C. Burges 1998)",
        page="http://yann.lecun.com/exdb/mnist/",
        licence="CC BY-SA 3.0",
        classes=_DIGITS,
        sources=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        files=_idx_files(
            (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
        recognises=recognises_idx,
        read=_idx("mnist", _DIGITS),
    ),
    Named(
        name="fashion_mnist",
        title="70,000 pieces of clothing, 28×28, grey (H. Xiao, K. Rasul, R. Vollgraf 2017, arXiv:1708.07747)",
        page="https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
        classes=_CLOTHES,
        sources=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        files=_idx_files(
            (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
        recognises=recognises_idx,
        read=_idx("fashion_mnist", _CLOTHES),
    ),
    Named(
        name="cifar10",
        title="60,000 photographs of ten things, 32×32, colour (A. Krizhevsky 2009)",
        page=f"{_TORONTO}cifar.html",
        licence=_NOT_STATED,
        classes=_THINGS,
        sources=(_TORONTO,),
        files=(
            File(
                "cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        recognises=recognises_cifar,
        read=lambda folder: read_cifar(folder, name="cifar10"),
    ),
    Named(
        name="cifar100",
        title="60,000 photographs of a hundred things, 32×32, colour (A. Krizhevsky 2009)",
        page=f"{_TORONTO}cifar.html",
        licence=_NOT_STATED,
        classes=_HUNDRED,
        sources=(_TORONTO,),
        files=(
            File(
                "cifar-100-binary.tar.gz",
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            ),
        ),
        recognises=recognises_cifar,
        read=lambda folder: read_cifar(folder, name="cifar100"),
    ),
)
NAMED = {known.name: known for known in _ALL}
