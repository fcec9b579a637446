"""Which images a network takes for alike: the nearest in feature space by cosine, exactly, and beyond a million nearly.

Source: Krizhevsky et al. 2012, figure 4, right; exact search as one product of matrices a block, as in Johnson et al.
2017, arXiv:1702.08734, of which only those groups are looked into whose maximum is among the k largest: no other group
can hold one of the k nearest. Ties go to the lower row. Approximate search is a graph of neighbours (HNSW: Malkov and
Yashunin 2016, arXiv:1603.09320) by usearch.

When not to trust it: the nearest is always something, also where nothing is alike: look at its similarity.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from striate.errors import SettingsError, SizeError

APPROXIMATE_BEYOND = 1_000_000  # images
_ROWS, _QUERIES, _GROUP = 16_384, 1024, 64
_LAST = 0xFFFFFFFF
_CONNECTIONS, _EFFORT = 32, 256  # of the graph: links of a point, and points that are tried for them and for an answer


@dataclass(frozen=True)
class Index:
    """Features (N, D) of length 1, to be asked for the nearest."""

    vectors: Tensor = field(repr=False)

    @classmethod
    def of(cls, features: Tensor) -> "Index":
        """Of features (N, D), which are scaled to length 1; a feature that is zero everywhere stays so, near to none.

        Raises SizeError if they are no table of finite numbers.
        """
        if features.dim() != 2 or not len(features) or not bool(features.isfinite().all()):
            shape = "×".join(map(str, features.shape))
            raise SizeError(f"features of {shape} are not a table (N, D) of finite numbers, of one image at least")
        return cls(functional.normalize(features.detach().cpu().float(), dim=1).contiguous())

    def __len__(self) -> int:
        return len(self.vectors)

    def nearest(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Cosines (Q, k), the largest first, and rows (Q, k) of the k nearest for queries (Q, D), exactly.

        Fewer than k rows give as many as there are. It holds at most 1,024 × 16,384 cosines: 64 MB. Raises SizeError
        if queries have another width.
        """
        own = self._asked(queries, k)
        found = [_nearest(part, self.vectors, min(k, len(self))) for part in torch.split(own, _QUERIES)]
        keys = torch.cat(found) if found else torch.zeros(0, min(k, len(self)), dtype=torch.int64)
        return _scores(keys), _rows(keys)

    def nearly_nearest(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The same, nearly: some of the k are missed. Raises SettingsError if the extra `neighbours` is missing."""
        own = self._asked(queries, k)
        found = self._graph.search(own.numpy(), min(k, len(self)), threads=torch.get_num_threads())
        keys = torch.from_numpy(found.keys.astype("int64")).view(len(own), -1)
        cosines = (self.vectors[keys] * own[:, None, :]).sum(dim=2)  # its own are rounded
        order = cosines.argsort(dim=1, descending=True, stable=True)
        return cosines.gather(1, order), keys.gather(1, order)

    def _asked(self, queries: Tensor, k: int) -> Tensor:
        """The queries, scaled to length 1."""
        if queries.dim() != 2 or queries.shape[1] != self.vectors.shape[1] or not bool(queries.isfinite().all()):
            shape = "×".join(map(str, queries.shape))
            raise SizeError(
                f"queries of {shape} for features of {self.vectors.shape[1]} numbers; expected finite numbers, "
                f"(Q, {self.vectors.shape[1]})"
            )
        if k < 1:
            raise SettingsError(f"k is {k}; expected a whole number of at least 1")
        return functional.normalize(queries.detach().cpu().float(), dim=1)

    @cached_property
    def _graph(self) -> Any:
        """The graph of neighbours, which is made once: minutes for a million."""
        try:
            from usearch.index import Index as Graph  # noqa: PLC0415 - an optional dependency
        except ImportError:
            raise SettingsError(
                "approximate search needs a library that is not here: pip install 'striate[neighbours]', or search "
                "exactly"
            ) from None
        graph = Graph(
            ndim=self.vectors.shape[1],
            metric="ip",
            dtype="f16",
            connectivity=_CONNECTIONS,
            expansion_add=_EFFORT,
            expansion_search=_EFFORT,
        )
        rows = torch.arange(len(self)).numpy()
        graph.add(rows, self.vectors.numpy(), threads=torch.get_num_threads())
        return graph


def _nearest(queries: Tensor, vectors: Tensor, k: int) -> Tensor:
    """Keys (Q, k) of the nearest, the largest first; of each block of rows only the best k groups are looked into."""
    best = torch.empty(len(queries), 0, dtype=torch.int64)
    room, asked = torch.empty(len(queries) * min(_ROWS, len(vectors))), queries.numpy()
    for start in range(0, len(vectors), _ROWS):
        part = vectors[start : start + _ROWS]
        scores = room[: len(queries) * len(part)].view(len(queries), len(part))  # (Q, B)
        np.matmul(asked, part.numpy().T, out=scores.numpy())  # NumPy's product is twice torch's for few queries
        if rest := -scores.shape[1] % _GROUP:
            scores = functional.pad(scores, (0, rest), value=-torch.inf)
        grouped = scores.view(len(queries), -1, _GROUP)
        largest = grouped.amax(dim=2)  # (Q, G)
        numbers = torch.arange(largest.shape[1])
        chosen = _rows(_keys(largest, numbers).topk(min(k, len(numbers)), dim=1, sorted=False).values)
        within = grouped.gather(1, chosen[:, :, None].expand(-1, -1, _GROUP))
        rows = chosen[:, :, None] * _GROUP + torch.arange(start, start + _GROUP)
        keys = torch.cat([best, _keys(within, rows).flatten(1)], dim=1)
        best = keys.topk(min(k, keys.shape[1]), dim=1).values
    return best


def _keys(scores: Tensor, rows: Tensor) -> Tensor:
    """Whole numbers that are in the order of the scores, and of equal scores in that of the rows, turned round."""
    bits = (scores + 0.0).view(torch.int32)  # of −0 and 0 the same
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()
    return (ordered << 32) | (_LAST - rows)


def _rows(keys: Tensor) -> Tensor:
    """The rows that keys were made of."""
    return _LAST - (keys & _LAST)


def _scores(keys: Tensor) -> Tensor:
    """The scores that keys were made of."""
    ordered = (keys >> 32).int()
    return torch.where(ordered < 0, ordered ^ 0x7FFFFFFF, ordered).view(torch.float32)
