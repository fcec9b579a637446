"""The exact nearest of 100,000 vectors of 512 to 1, 64 and 1,000 queries, by striate and by faiss' flat index.

Contenders take turns in one process (A B A B …); answers are compared in the same run: cosines to 2e-6, rows but where
such a difference decides. With `--approximate` the graphs of usearch and faiss are measured by their recall of the
true ten. Vectors lie around `--centres` points, as features of classes do.

    pip install '.[peers,neighbours]' faiss-cpu && python benchmarks/nearest_neighbours.py --rounds 10
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import faiss
import numpy as np
import torch

from striate.explain.neighbours import Index

K = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--centres", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--approximate", action="store_true", help="measure the recall of the graphs too")
    parser.add_argument("--save", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    faiss.omp_set_num_threads(asked.threads)
    random = torch.Generator().manual_seed(0)
    centres = torch.randn(asked.centres, asked.width, generator=random)
    own = torch.randint(asked.centres, (asked.count + 1000,), generator=random)
    vectors = centres[own] + torch.randn(len(own), asked.width, generator=random)
    index, queries = Index.of(vectors[: asked.count]), torch.nn.functional.normalize(vectors[asked.count :], dim=1)
    flat = faiss.IndexFlatIP(asked.width)
    flat.add(index.vectors.numpy())
    result: dict[str, Any] = {
        "vectors": [asked.count, asked.width],
        "k": K,
        "rounds": asked.rounds,
        "threads": asked.threads,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "versions": {name: importlib.metadata.version(name) for name in ("striate", "torch", "faiss-cpu")},
        "exact": {str(many): exact(index, flat, queries[:many], asked.rounds) for many in (1, 64, 1000)},
    }
    if asked.approximate:
        result["approximate"] = approximate(index, queries)
    print(json.dumps(result, indent=2))
    if asked.save:
        asked.save.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def exact(index: Index, flat: Any, queries: torch.Tensor, rounds: int) -> dict[str, Any]:
    plain = queries.numpy()
    ours, theirs = [], []
    for _ in range(rounds + 1):  # the first round warms up
        seconds, (cosines, rows) = timed(lambda: index.nearest(queries, K))
        ours.append(seconds)
        seconds, (expected, other) = timed(lambda: flat.search(plain, K))
        theirs.append(seconds)
    differ = rows.numpy() != other
    assert np.allclose(cosines.numpy(), expected, atol=2e-6)
    ratios = sorted(b / a for a, b in zip(ours[1:], theirs[1:], strict=True))
    return {
        "striate_milliseconds": round(1000 * statistics.median(ours[1:]), 2),
        "faiss_milliseconds": round(1000 * statistics.median(theirs[1:]), 2),
        "faiss_over_striate": [round(ratio, 2) for ratio in (ratios[0], statistics.median(ratios), ratios[-1])],
        "best_faiss_over_best_striate": round(min(theirs[1:]) / min(ours[1:]), 2),
        "rows_that_differ": int(differ.sum()),
    }


def approximate(index: Index, queries: torch.Tensor) -> dict[str, Any]:
    """Recall of the true ten, and seconds to build and to ask all, of usearch as in use and of faiss' HNSW."""
    truth = index.nearest(queries, K)[1].numpy()
    building, _ = timed(lambda: index.nearly_nearest(queries[:1], K))
    asking, (_, rows) = timed(lambda: index.nearly_nearest(queries, K))
    found = {"usearch": figures(truth, rows.numpy(), building, asking)}
    graph = faiss.IndexHNSWFlat(index.vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = graph.hnsw.efSearch = 256
    building, _ = timed(lambda: graph.add(index.vectors.numpy()))
    asking, (_, rows) = timed(lambda: graph.search(queries.numpy(), K))
    return found | {"faiss": figures(truth, rows, building, asking)}


def figures(truth: Any, rows: Any, building: float, asking: float) -> dict[str, float]:
    recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(truth.tolist(), rows.tolist(), strict=True)])
    return {"recall": round(float(recall), 4), "build_s": round(building, 1), "ask_s": round(asking, 3)}


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = perf_counter()
    answer = call()
    return perf_counter() - start, answer


if __name__ == "__main__":
    main()
