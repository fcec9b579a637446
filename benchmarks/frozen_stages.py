"""How much does an epoch of fine-tuning cost when all stages are frozen, beside the usual way?

The usual way shows every image to the whole network in every epoch: its stages without gradients and in test mode, the
head with them. striate computes what the stages give once, and trains the head on that. Both get the same network,
first weights, images in the same order, rates and loss; they take turns, seed by seed, in one process with the same
threads and memory layout. Compared are the seconds of an epoch after the first, and the answers on the test.

    striate import mobilenet_v2_1.0_224_folded_float.npz --model tf_mobilenet_v2 --out mobilenet.safetensors …
    python benchmarks/frozen_stages.py --weights mobilenet.safetensors --photographs hymenoptera/train

writes benchmarks/results/frozen_stages.json.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

import striate
from striate.datasets.dataset import TEST
from striate.machine.choice import choose
from striate.machine.doctor import versions
from striate.recipes.data import read_run_data
from striate.recipes.progress import Display
from striate.recipes.settings import Settings
from striate.recipes.start import course_of, first_network
from striate.training.freezing import freeze, set_training
from striate.training.logbook import read_rows
from striate.training.optimizers import make_optimizer
from striate.training.schedule import pace_at
from striate.training.together import ALONE

RESULT = Path(__file__).parent / "results" / "frozen_stages.json"


def usual(settings: Settings) -> dict[str, Any]:
    """Every image through the whole network in every epoch; a plain loop over what striate's course gives."""
    data = read_run_data(settings, Display(quiet=True))
    machine = choose("cpu")
    network = machine.place(first_network(data, settings.seed))
    freeze(network, len(network.stages))
    course = course_of(data, settings, machine, ALONE, Display(quiet=True))
    optimizer, seconds, step = make_optimizer(network, course.recipe), [], 0
    with machine.running():
        for _ in range(course.recipe.epochs):
            began = time.perf_counter()
            set_training(network)
            for images, targets, _ in course.batches(step):
                for group in optimizer.param_groups:
                    group["lr"] = pace_at(course.recipe, step, course.steps).rate * group["scale"]
                loss = functional.cross_entropy(
                    network(machine.arrange(images)), targets, label_smoothing=course.recipe.label_smoothing
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
            seconds.append(time.perf_counter() - began)
        network.eval()
        test = data.parts[TEST]
        prepared = data.preparation.normalise(torch.from_numpy(np.asarray(test.images[:])))
        said = machine.infer(network, prepared.split(64)).argmax(1).numpy()
    return {"seconds": statistics.median(seconds[1:]), "right": int((said == test.targets).sum()), "n": len(said)}


def ours(settings: Settings, folder: Path) -> dict[str, Any]:
    """The same by `striate train`, whose logbook has the seconds; the last epoch's head, not the best one's."""
    run = striate.train(**(vars(settings) | {"out": str(folder)}), quiet=True)
    times = [row["seconds"] for row in read_rows(folder)]
    epochs = [after - before for before, after in itertools.pairwise(times)]
    return {"seconds": statistics.median(epochs), "right": run.evaluation.right, "n": run.evaluation.n}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    pairs = []
    for seed in range(arguments.seeds):
        settings = Settings(
            str(arguments.photographs),
            weights=str(arguments.weights),
            freeze="all",
            epochs=arguments.epochs,
            seed=seed,
            device="cpu",
        )
        with tempfile.TemporaryDirectory() as folder:
            pair = {"usual": usual(settings), "striate": ours(settings, Path(folder) / "run")}
        print(seed, pair, flush=True)
        pairs.append(pair)
    ratios = [pair["usual"]["seconds"] / pair["striate"]["seconds"] for pair in pairs]
    result = {
        "question": "seconds of an epoch after the first with all stages frozen, the usual way over striate",
        "hardware": {"processor": platform.processor() or platform.machine(), "processors": os.cpu_count()},
        "versions": versions(),
        "epochs": arguments.epochs,
        "pairs": pairs,
        "ratio": {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios), "n": len(ratios)},
    }
    print(result["ratio"])
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
