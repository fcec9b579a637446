"""How soon do striate's recipe `fast` and the usual ways of training reach the same accuracy?

On CIFAR-10 and Fashion-MNIST each contender runs in a process of its own with two threads, one after another, round by
round, on the same training images, and is judged on the same held-out images after every epoch. Its time is that of
its training steps, batch making included, evaluations and reading not, until the first evaluation at the target; the
whole process's stands beside it. A peer that needs `--patience` times as long as striate did in the same round is
stopped: where `reached` is below `rounds`, the ratio is "more than". The peers, each with what is usual for it:

  plain      PyTorch's loop, DataLoader and PIL transforms: ResNet-20 with SGD and one cycle; Fashion-MNIST with the
             network, optimizer and rates of PyTorch's MNIST example, whose multiplies are fewer
  lightning  the same networks and optimizers in a LightningModule and Trainer
  fastai     ResNet-18, its transforms of batches, Adam, fit_one_cycle(3e-3)
  keras      the networks of its CIFAR-10 and MNIST examples, Adam, on the torch backend
  same       striate, recipe `fast`, with the plain loop's network: what is left of the ratio is the network's

    pip install '.[peers]' fastai lightning keras
    python benchmarks/time_to_accuracy.py --cifar10 FOLDER --fashion FOLDER

CIFAR-10 as mosaics of its images, named CLASS_NUMBER, in train/ and test/; Fashion-MNIST as its training files, of
which 5,000 images are held out. Writes benchmarks/results/time_to_accuracy.json.
"""

import argparse
import gzip
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

RESULT = Path(__file__).parent / "results" / "time_to_accuracy.json"
THREADS = 2
NORMAL = {"cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)), "fashion": ((0.2860,), (0.3530,))}
EPOCHS = {"plain": {"cifar10": 8, "fashion": 14}, "fastai": {"cifar10": 8, "fashion": 3}, "keras": 40}
Arrays = dict[str, NDArray[Any]]


class Record:
    """The clock of the training steps, and what the evaluations gave."""

    def __init__(self, target: float, patience: float) -> None:
        self.target, self.patience = target, patience
        self.seconds, self.processor, self.images = 0.0, 0.0, 0
        self.evaluations: list[dict[str, float]] = []
        self._began: tuple[float, float] | None = None

    def run(self) -> None:
        self._began = time.perf_counter(), processor_seconds()

    def pause(self) -> None:
        assert self._began is not None
        self.seconds += time.perf_counter() - self._began[0]
        self.processor += processor_seconds() - self._began[1]
        self._began = None

    def step(self, images: int) -> bool:
        """Count a step; whether time is up."""
        assert self._began is not None
        self.images += images
        return self.seconds + time.perf_counter() - self._began[0] > self.patience

    def evaluated(self, accuracy: float) -> bool:
        """Note an evaluation; whether it was the last."""
        self.evaluations.append(
            {
                "seconds": self.seconds,
                "processor_seconds": self.processor,
                "images": self.images,
                "accuracy": accuracy,
            }
        )
        return accuracy >= self.target or self.seconds > self.patience


def processor_seconds() -> float:
    """What this process has used of all processors, its finished readers included."""
    used = [resource.getrusage(whom) for whom in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(own.ru_utime + own.ru_stime for own in used)


class PlainImages(Dataset[tuple[Tensor, int]]):
    """An image and a label at a time, as torchvision's own data sets give them."""

    def __init__(self, images: NDArray[Any], labels: NDArray[Any], data: str, *, training: bool) -> None:
        import_torchvision()
        from torchvision import transforms  # noqa: PLC0415 - striate's process must not pay for it

        moves = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
        whole = [transforms.ToTensor(), transforms.Normalize(*NORMAL[data])]
        self.transform = transforms.Compose([*(moves if training and data == "cifar10" else []), *whole])
        self.images, self.labels = images, labels.tolist()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def import_torchvision() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "peers"))
    import torchvision_beside_cpu_torch  # noqa: F401, PLC0415 - before torchvision


def plain_network(data: str) -> nn.Module:
    """ResNet-20, or the network of PyTorch's MNIST example."""
    if data == "cifar10":
        from striate.architectures.catalogue import create_model  # noqa: PLC0415 - only its builder is taken

        return create_model("resnet20")
    convolutions = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)]
    return nn.Sequential(
        *convolutions, nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)
    )


def plain_optimizer(network: nn.Module, data: str, steps: int) -> tuple[Any, Any, str]:
    """SGD and one cycle, stepped by batch; or the MNIST example's, stepped by epoch."""
    if data == "cifar10":
        sgd = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
        return sgd, torch.optim.lr_scheduler.OneCycleLR(sgd, max_lr=0.1, total_steps=steps), "step"
    adadelta = torch.optim.Adadelta(network.parameters(), lr=1.0)
    return adadelta, torch.optim.lr_scheduler.StepLR(adadelta, 1, gamma=0.7), "epoch"


def plain_loaders(arrays: Arrays, data: str) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Batches of 128, or the MNIST example's 64, by two readers."""
    train = PlainImages(arrays["images"], arrays["labels"], data, training=True)
    test = PlainImages(arrays["test_images"], arrays["test_labels"], data, training=False)
    size = 128 if data == "cifar10" else 64
    return DataLoader(train, size, shuffle=True, num_workers=2), DataLoader(test, 500)


def plain(arrays: Arrays, data: str, record: Record) -> None:
    loader, test = plain_loaders(arrays, data)
    network, epochs = plain_network(data), EPOCHS["plain"][data]
    optimizer, schedule, when = plain_optimizer(network, data, epochs * len(loader))
    for _ in range(epochs):
        network.train()
        record.run()
        for images, labels in loader:
            optimizer.zero_grad()
            functional.cross_entropy(network(images), labels).backward()
            optimizer.step()
            if when == "step":
                schedule.step()
            if record.step(len(labels)):
                break
        record.pause()
        if when == "epoch":
            schedule.step()
        network.eval()
        with torch.no_grad():
            right = sum(int((network(images).argmax(1) == labels).sum()) for images, labels in test)
        if record.evaluated(right / len(test.dataset)):  # type: ignore[arg-type]
            return


def lightning(arrays: Arrays, data: str, record: Record) -> None:
    import_torchvision()
    import lightning as pl  # noqa: PLC0415 - a contender

    loader, test = plain_loaders(arrays, data)

    class Module(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network, self.right = plain_network(data), 0

        def training_step(self, batch: list[Tensor], _: int) -> Tensor:
            return functional.cross_entropy(self.network(batch[0]), batch[1])

        def on_train_epoch_start(self) -> None:
            record.run()

        def on_train_batch_end(self, outputs: Any, batch: list[Tensor], _: int) -> None:  # noqa: ARG002 - its names
            if record.step(len(batch[1])):
                self.trainer.should_stop = True

        def on_validation_start(self) -> None:
            record.pause()
            self.right = 0

        def validation_step(self, batch: list[Tensor], _: int) -> None:
            self.right += int((self.network(batch[0]).argmax(1) == batch[1]).sum())

        def on_validation_end(self) -> None:
            self.trainer.should_stop = record.evaluated(self.right / len(test.dataset)) or self.trainer.should_stop
            record.run()

        def configure_optimizers(self) -> Any:
            steps = int(self.trainer.estimated_stepping_batches)
            optimizer, schedule, when = plain_optimizer(self.network, data, steps)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": when}}

    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(max_epochs=EPOCHS["plain"][data], accelerator="cpu", num_sanity_val_steps=0, **quiet)
    trainer.fit(Module(), loader, test)


def fastai(arrays: Arrays, data: str, record: Record) -> None:
    import_torchvision()
    from fastai.callback.core import Callback, CancelFitException, CancelTrainException  # noqa: PLC0415 - a contender
    from fastai.vision import all as vision  # noqa: PLC0415

    images = np.concatenate([arrays["images"], arrays["test_images"]])
    labels = np.concatenate([arrays["labels"], arrays["test_labels"]])
    held_out = list(range(len(arrays["images"]), len(images)))
    block = vision.DataBlock(
        blocks=(vision.ImageBlock, vision.CategoryBlock),
        get_x=lambda place: vision.PILImage.create(Image.fromarray(images[place]).convert("RGB")),
        get_y=lambda place: int(labels[place]),
        splitter=vision.IndexSplitter(held_out),
        batch_tfms=[*vision.aug_transforms(), vision.Normalize()],
    )
    loaders = block.dataloaders(list(range(len(images))), bs=64)

    class Clock(Callback):  # type: ignore[misc]
        order = 100

        def before_train(self) -> None:
            record.run()

        def after_batch(self) -> None:
            if self.training and record.step(len(self.yb[0])):
                raise CancelTrainException

        def after_train(self) -> None:
            record.pause()

        def after_epoch(self) -> None:
            if record.evaluated(float(self.recorder.metrics[0].value)):
                raise CancelFitException

    network = vision.resnet18(num_classes=10)
    learner = vision.Learner(loaders, network, metrics=vision.accuracy, cbs=[Clock()])
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(EPOCHS["fastai"][data], 3e-3)


def keras(arrays: Arrays, data: str, record: Record) -> None:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as framework  # noqa: PLC0415 - a contender

    layers = framework.layers
    floats = {name: arrays[name].astype("float32") / 255 for name in ("images", "test_images")}
    shown = {name: values if values.ndim == 4 else values[..., None] for name, values in floats.items()}
    if data == "cifar10":
        parts = [layers.Conv2D(32, 3, padding="same", activation="relu"), layers.Conv2D(32, 3, activation="relu")]
        parts += [layers.MaxPooling2D(), layers.Dropout(0.25)]
        parts += [layers.Conv2D(64, 3, padding="same", activation="relu"), layers.Conv2D(64, 3, activation="relu")]
        parts += [layers.MaxPooling2D(), layers.Dropout(0.25), layers.Flatten()]
        parts += [layers.Dense(512, activation="relu")]
    else:
        parts = [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D()]
        parts += [layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()]
    network = framework.Sequential([*parts, layers.Dropout(0.5), layers.Dense(10, activation="softmax")])
    network.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    size = 32 if data == "cifar10" else 128

    class Clock(framework.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - its names
            record.run()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - its names
            self.model.stop_training = record.step(size)

        def on_test_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - its names
            record.pause()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - its names
            self.model.stop_training = record.evaluated(float(logs["val_accuracy"])) or self.model.stop_training

    test = (shown["test_images"], arrays["test_labels"])
    network.fit(
        shown["images"],
        arrays["labels"],
        batch_size=size,
        epochs=EPOCHS["keras"],
        validation_data=test,
        callbacks=[Clock()],
        verbose=0,
    )


def ours(model: str, settings: dict[str, Any]) -> Callable[[Arrays, str, Record], None]:
    """`striate train`, whose logbook has the seconds of the steps and the accuracy of each epoch."""

    def contend(arrays: Arrays, _: str, record: Record) -> None:
        import striate  # noqa: PLC0415 - a contender
        from striate.datasets.layouts.arrays import from_arrays  # noqa: PLC0415
        from striate.training.logbook import read_rows  # noqa: PLC0415

        images = np.concatenate([arrays["images"], arrays["test_images"]])
        labels = np.concatenate([arrays["labels"], arrays["test_labels"]])
        parts = ["train"] * len(arrays["images"]) + ["validation"] * len(arrays["test_images"])
        dataset = from_arrays(images, labels, parts=parts)
        with tempfile.TemporaryDirectory() as folder:
            began = processor_seconds()
            run = striate.train(dataset, model=model, recipe="fast", out=f"{folder}/run", quiet=True, **settings)
            used, rows = processor_seconds() - began, read_rows(run.folder)
        for row in rows:
            record.seconds, record.images = row["seconds"], int(row["epoch"]) * len(arrays["images"])
            record.processor = used * row["seconds"] / rows[-1]["seconds"]
            if record.evaluated(row["validation_accuracy"]):
                return

    return contend


def contend(who: str, data: str, file: str, target: float, patience: float, settings: dict[str, Any]) -> dict[str, Any]:
    """One contender in this process."""
    began = time.perf_counter()
    torch.set_num_threads(THREADS)
    torch.manual_seed(settings.pop("seed"))
    with np.load(file) as archive:
        arrays = dict(archive)
    record = Record(target, patience)
    contenders = {"plain": plain, "lightning": lightning, "fastai": fastai, "keras": keras}
    contenders |= {"striate": ours(settings.pop("model"), settings), "same": ours("resnet20", settings)}
    contenders[who](arrays, data, record)
    last = record.evaluations[-1]
    whole = time.perf_counter() - began
    return {"reached": last["accuracy"] >= target, "process_seconds": whole, "evaluations": record.evaluations}


def read_cifar10(folder: Path) -> Arrays:
    """Tiles of 32x32, row by row, as many as counts.json says."""
    counts = json.loads((folder / "counts.json").read_text())
    classes = sorted({path.stem.rpartition("_")[0] for path in folder.glob("train/*.webp")})
    arrays: dict[str, list[NDArray[Any]]] = {}
    for name, count in counts.items():
        part, prefix = name.split("/")[0], "test_" if name.startswith("test") else ""
        mosaic = np.asarray(Image.open(folder / name).convert("RGB"))
        tiles = mosaic.reshape(len(mosaic) // 32, 32, -1, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3)[:count]
        place = classes.index(name.removeprefix(f"{part}/").rpartition("_")[0])
        arrays.setdefault(f"{prefix}images", []).append(tiles)
        arrays.setdefault(f"{prefix}labels", []).append(np.full(count, place))
    return {name: np.concatenate(parts) for name, parts in arrays.items()}


def read_fashion(folder: Path) -> Arrays:
    """The training files; 5,000 images drawn from them are held out."""
    pixels = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = np.frombuffer(gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    images = np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)
    order = np.random.default_rng(0).permutation(len(images))
    parts = {"test_": order[:5000], "": order[5000:]}
    arrays = {f"{prefix}images": images[places] for prefix, places in parts.items()}
    return arrays | {f"{prefix}labels": labels[places].astype(np.int64) for prefix, places in parts.items()}


def in_a_process(who: str, data: str, file: Path, target: float, patience: float, settings: dict[str, Any]) -> Any:
    command = [sys.executable, __file__, "--contend", who, "--data", data, "--file", str(file)]
    command += ["--target", str(target), "--patience", str(patience), "--settings", json.dumps(settings)]
    began = time.perf_counter()
    quiet = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}  # a thread that waits leaves the processor to others
    answer = subprocess.run(command, check=False, capture_output=True, text=True, env=quiet)
    if answer.returncode:
        raise SystemExit(f"{who} failed:\n{answer.stderr[-3000:]}")
    result = json.loads(answer.stdout.splitlines()[-1])
    result["process_seconds"], result["load"] = time.perf_counter() - began, os.getloadavg()[0]
    return result


def one_round(patience: dict[str, float], data: str, file: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Our own time comes first: it says how long the others may take."""
    target = settings.pop("target")
    own = in_a_process("striate", data, file, target, 1e9, settings)
    seconds = own["evaluations"][-1]["seconds"]
    print(data, "striate", own, flush=True)
    results = {"striate": own}
    for who, times in patience.items():
        results[who] = in_a_process(who, data, file, target, times * seconds, settings)
        print(data, who, results[who], flush=True)
    return results


def ratios(rounds: list[dict[str, Any]], who: str, unit: str) -> dict[str, Any]:
    """How many times as long as striate it took in each round; `reached` counts the rounds in which it got there."""
    own = [
        each[who]["evaluations"][-1][unit] / each["striate"]["evaluations"][-1][unit] for each in rounds if who in each
    ]
    reached = sum(each[who]["reached"] for each in rounds if who in each)
    return {
        "median": statistics.median(own),
        "least": min(own),
        "most": max(own),
        "rounds": len(own),
        "reached": reached,
    }


def summary(rounds: list[dict[str, Any]], settings: dict[str, Any]) -> dict[str, Any]:
    peers = sorted({who for each in rounds for who in each} - {"striate"})
    units = ("seconds", "processor_seconds", "images")
    return {
        "settings": settings,
        "ratios": {who: {unit: ratios(rounds, who, unit) for unit in units} for who in peers},
        "rounds": rounds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", type=Path)
    parser.add_argument("--fashion", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=10, help="times striate's own time, of plain")
    parser.add_argument("--patience-of-others", type=float, default=10, help="the same, of the other peers")
    parser.add_argument("--peers", nargs="*", default=["plain", "keras", "fastai", "lightning", "same"])
    parser.add_argument("--settings", type=json.loads, default={})
    for name in ("--contend", "--data", "--file"):
        parser.add_argument(name)
    parser.add_argument("--target", type=float)
    asked = parser.parse_args()
    if asked.contend:
        print(json.dumps(contend(asked.contend, asked.data, asked.file, asked.target, asked.patience, asked.settings)))
        return
    patience = {who: asked.patience if who == "plain" else asked.patience_of_others for who in asked.peers}
    from striate.machine.doctor import versions  # noqa: PLC0415 - not in a peer's process

    result = {
        "question": "seconds of training until the held-out accuracy reaches the target: a peer's over striate's",
        "hardware": {"processor": platform.processor() or platform.machine(), "processors": os.cpu_count()},
        "versions": versions(),
        "patience": patience,
        "sets": {},
    }
    usual = {  # two epochs have no room for smaller images
        "cifar10": {"model": "airbench94_w16", "epochs": 3, "target": 0.70},
        "fashion": {"model": "airbench94_w16", "epochs": 2, "progressive": 1.0, "target": 0.90},
    }
    folders = {"cifar10": asked.cifar10, "fashion": asked.fashion}
    with tempfile.TemporaryDirectory() as place:
        files = {data: Path(place) / f"{data}.npz" for data, folder in folders.items() if folder is not None}
        for data, file in files.items():
            np.savez(file, **{"cifar10": read_cifar10, "fashion": read_fashion}[data](folders[data]))
        rounds: dict[str, list[dict[str, Any]]] = {data: [] for data in files}
        for seed in range(asked.rounds):
            for data, file in files.items():
                rounds[data].append(one_round(patience, data, file, usual[data] | {"seed": seed}))
                result["sets"][data] = summary(rounds[data], usual[data])
                RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({data: own["ratios"] for data, own in result["sets"].items()}, indent=2))


if __name__ == "__main__":
    main()
