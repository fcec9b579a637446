"""The state that a run goes on from: weights, what the optimizer remembers, how far it is. One file, replaced whole.

Randomness is not in it: every shuffle, variation and dropout is drawn from (seed, epoch, image) or (seed, step).
"""

import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from striate.errors import RunError
from striate.training.averaging import Average
from striate.training.together import ALONE, Together
from striate.writing import write_whole

STATE_FILE = Path("last") / "state.safetensors"
_HEADER, _NETWORK, _AVERAGE, _OPTIMIZER = "striate", "network.", "average.", "optimizer."


@dataclass
class Progress:
    """How far a run is, in plain numbers."""

    step: int = 0
    parts: int = 1  # that a batch is taken in, to need less memory
    seconds: float = 0.0
    loss_sum: float = 0.0  # over the images of the epoch under way
    lowest: float = math.inf  # validation loss of the best epoch so far
    waited: int = 0  # epochs since then
    flat: int = 0  # and since the last cut of the rate, if that is later
    cuts: int = 0
    trouble: dict[str, float] = field(default_factory=dict)  # what the watchman remembers

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Progress":
        """From its plain values. Raises KeyError if they are not those of this version."""
        if odd := sorted(values.keys() ^ {field.name for field in fields(cls)}):
            raise KeyError(f"its progress is of another version: {odd[0]}")
        return cls(**values)

    def judge(self, loss: float, patience: int) -> bool:
        """Take an epoch's validation loss: whether it is the lowest so far. After `patience` that are not, a cut."""
        better = loss < self.lowest
        self.lowest = min(self.lowest, loss)
        self.waited, self.flat = (0, 0) if better else (self.waited + 1, self.flat + 1)
        if self.flat >= patience:
            self.cuts, self.flat = self.cuts + 1, 0
        return better


@dataclass
class State:
    """A network being trained, its optimizer, the moving average of its weights if there is one, and the progress."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    average: Average | None = None
    progress: Progress = field(default_factory=Progress)

    @property
    def judged(self) -> nn.Module:
        """The network that is measured and kept."""
        return self.network if self.average is None else self.average.network

    @property
    def sound(self) -> bool:
        """Whether all weights are numbers: others are nothing to go on from."""
        return all(bool(parameter.isfinite().all()) for parameter in self.network.parameters())

    def save(self, folder: Path) -> None:
        """Replace the run's state by this one. Raises StorageError."""
        tensors = {_NETWORK + name: tensor for name, tensor in self.network.state_dict().items()}
        if self.average is not None:
            tensors |= {_AVERAGE + name: tensor for name, tensor in self.average.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    tensors[f"{_OPTIMIZER}{key}.{name}"] = value
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        write_whole(folder / STATE_FILE, save(plain, {_HEADER: json.dumps(asdict(self.progress))}))

    def restore(self, folder: Path, together: Together = ALONE) -> None:
        """Take over the state that the run has on disk, which the first of several processes tells the others.

        Raises RunError if it has none or it is not whole.
        """
        tensors, progress = together.told(_read(folder / STATE_FILE) if together.leads else None)
        try:
            self._take(tensors, progress)
        except (KeyError, TypeError, RuntimeError) as error:
            raise _refusal(folder / STATE_FILE, error) from error

    def _take(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        self.network.load_state_dict(_under(_NETWORK, tensors))
        if self.average is not None:
            self.average.network.load_state_dict(_under(_AVERAGE, tensors))
        parameters = dict(self.network.named_parameters())
        fused = bool(self.optimizer.defaults.get("fused"))  # whose counters lie on the device too
        for name, tensor in _under(_OPTIMIZER, tensors).items():
            key, _, owner = name.partition(".")
            parameter = parameters[owner]
            if tensor.dim():
                value = torch.empty_like(parameter).copy_(tensor)
            else:
                value = tensor.to(parameter.device) if fused else tensor
            self.optimizer.state[parameter][key] = value
        self.progress = Progress.of(progress)


def read_progress(folder: Path) -> Progress:
    """How far a run is; at its beginning if it has no state yet."""
    path = folder / STATE_FILE
    return Progress.of(_read(path)[1]) if path.exists() else Progress()


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as content:
            progress = json.loads(content.metadata()[_HEADER])
            Progress.of(progress)
            return {key: content.get_tensor(key) for key in content.keys()}, progress
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: Exception) -> RunError:
    reason = " ".join(str(error).split())
    return RunError(f"{path} cannot be gone on from ({reason}); start the run anew with --config")


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
