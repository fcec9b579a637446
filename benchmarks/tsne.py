"""t-SNE of 5,000 points of 50 numbers by striate, scikit-learn and openTSNE: seconds, processor time, trustworthiness.

Contenders take turns in one process (A B C A B C …), `--threads` each, at the defaults of each (scikit-learn 1,000
steps, the others 750; openTSNE by its Fourier transforms). Trustworthiness is scikit-learn's, of 12 neighbours, of the
maps of the same run.

    pip install '.[peers]' openTSNE && OMP_NUM_THREADS=2 python benchmarks/tsne.py --rounds 3
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import openTSNE
import torch
from sklearn.datasets import make_blobs
from sklearn.manifold import TSNE, trustworthiness

from striate.explain.tsne import tsne


def contenders(threads: int) -> dict[str, Callable[[Any], Any]]:
    flow = {"neighbors": "exact", "negative_gradient_method": "fft", "random_state": 0, "n_jobs": threads}
    return {
        "striate": lambda features: tsne(torch.from_numpy(features)).numpy(),
        "openTSNE": lambda features: np.asarray(openTSNE.TSNE(**flow).fit(features)),
        "scikit-learn": lambda features: TSNE(n_jobs=threads, random_state=0, init="pca").fit_transform(features),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    features = make_blobs(asked.count, 50, centers=20, cluster_std=4.0, random_state=0)[0].astype(np.float32)
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in contenders(asked.threads)}
    for _ in range(asked.rounds):
        for name, make in contenders(asked.threads).items():
            start, used = perf_counter(), process_time()
            points = make(features)
            seconds, processor = perf_counter() - start, process_time() - used
            runs[name].append((seconds, processor, float(trustworthiness(features, points, n_neighbors=12))))
    result = {
        "points": [asked.count, 50],
        "rounds": asked.rounds,
        "threads": asked.threads,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "versions": {
            name: importlib.metadata.version(name) for name in ("striate", "torch", "scikit-learn", "openTSNE")
        },
        "contenders": {name: figures(found, runs["striate"]) for name, found in runs.items()},
    }
    print(json.dumps(result, indent=2))
    if asked.save:
        asked.save.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def figures(found: list[tuple[float, float, float]], ours: list[tuple[float, float, float]]) -> dict[str, Any]:
    """Medians, and the ratios to ours of each round."""
    seconds, processor, kept = (statistics.median(own[part] for own in found) for part in range(3))
    return {
        "seconds": round(seconds, 2),
        "processor_s": round(processor, 2),
        "trustworthiness": round(kept, 4),
        "seconds_over_striate": [round(a[0] / b[0], 2) for a, b in zip(found, ours, strict=True)],
        "processor_over_striate": [round(a[1] / b[1], 2) for a, b in zip(found, ours, strict=True)],
    }


if __name__ == "__main__":
    main()
