"""The state that a run goes on from: weights, momentum, and how far it is. One file, replaced in one step.

Randomness is not in it: every shuffle and variation is drawn from (seed, epoch) or (seed, step).
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from striate.errors import RunError
from striate.writing import write_whole

STATE_FILE = Path("last") / "state.safetensors"
_HEADER, _NETWORK, _MOMENTUM = "striate", "network.", "momentum."


@dataclass
class State:
    """A network being trained, its optimizer, and how far the run is."""

    network: nn.Module
    optimizer: torch.optim.SGD
    step: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0  # over the images of the epoch under way
    lowest: float = math.inf  # validation loss of the best epoch so far

    def save(self, folder: Path) -> None:
        """Replace the run's state by this one. Raises StorageError."""
        tensors = {_NETWORK + name: tensor for name, tensor in self.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            if "momentum_buffer" in self.optimizer.state[parameter]:
                tensors[_MOMENTUM + name] = self.optimizer.state[parameter]["momentum_buffer"]
        progress = {"step": self.step, "seconds": self.seconds, "loss_sum": self.loss_sum, "lowest": self.lowest}
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        write_whole(folder / STATE_FILE, save(plain, {_HEADER: json.dumps(progress)}))

    def restore(self, folder: Path) -> None:
        """Take over the state that the run has on disk. Raises RunError if it has none or it is not whole."""
        try:
            self._take(*_read(folder / STATE_FILE))
        except (KeyError, TypeError, RuntimeError) as error:
            raise _refusal(folder / STATE_FILE, error) from error

    def _take(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        self.network.load_state_dict(_under(_NETWORK, tensors))
        momentum = _under(_MOMENTUM, tensors)
        for name, parameter in self.network.named_parameters():
            if name in momentum:
                buffer = torch.empty_like(parameter).copy_(momentum[name])
                self.optimizer.state[parameter]["momentum_buffer"] = buffer
        self.step, self.seconds, self.loss_sum = progress["step"], progress["seconds"], progress["loss_sum"]
        self.lowest = progress["lowest"]


def read_step(folder: Path) -> int:
    """How many steps of a run are behind; 0 if it has no state yet."""
    path = folder / STATE_FILE
    return int(_read(path)[1]["step"]) if path.exists() else 0


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as content:
            progress = json.loads(content.metadata()[_HEADER])
            int(progress["step"])
            return {key: content.get_tensor(key) for key in content.keys()}, progress
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: Exception) -> RunError:
    reason = " ".join(str(error).split())
    return RunError(f"{path} cannot be gone on from ({reason}); start the run anew with --config")


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
