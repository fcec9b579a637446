"""The order in which streamed shards give their images: the shards are shuffled, then what comes out of them is.

Training from shards on a slow disk reads them from end to end, and mixes their images in a buffer: whenever it is full
a random one leaves it. This gives such an order beforehand, for all N images and in a fraction of a second, so that a
run can begin again at any step. Source of the buffer: WebDataset's and TensorFlow's `shuffle`.
"""

import numpy as np
from numpy.typing import NDArray

from striate.errors import expect_whole
from striate.images.keyed import Draws

_MOST = 2**53  # up to here float64 tells every place from the next


def shard_order(shards: NDArray[np.int32], seed: int, epoch: int, buffer: int) -> NDArray[np.int64]:
    """The order (N,) of the images that lie in `shards` (N,), each image once; it depends on seed and epoch alone.

    The shards come in random order, one after the other. The image that is read as number p leaves as if at the time
    t(p) = p + buffer × u(p), with u(p) uniform in [0, 1); images leave in the order of their times. A buffer of 1 keeps
    the order of reading; one that holds all images gives each of their orders the same chance.

    No image leaves `buffer` places or more from where it is read. Proof: p ≤ t(p) < p + buffer. Whatever is read at
    q ≥ p + buffer leaves later than p, since t(q) ≥ q ≥ p + buffer > t(p); so at most p + buffer − 1 images leave
    before p. Whatever is read at q ≤ p − buffer leaves earlier, since t(q) < q + buffer ≤ p ≤ t(p); so at least
    p − buffer + 1 do. Raises SettingsError for a buffer below 1.
    """
    expect_whole("buffer", buffer, _MOST)
    numbers, inverse = np.unique(shards, return_inverse=True)
    drawn = Draws(seed, epoch, numbers.astype(np.int64)).uniform("order of shards", 1).numpy()[:, 0]  # (S,)
    read = np.argsort(drawn[inverse], kind="stable")  # (N,) shard after shard
    late = Draws(seed, epoch, read.astype(np.int64)).uniform("place in the buffer", 1).numpy()[:, 0]  # (N,)
    times = late if buffer >= len(read) else np.arange(len(read)) + buffer * late
    return read[np.argsort(times, kind="stable")].astype(np.int64)
