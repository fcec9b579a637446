"""What striate found on this machine and chose, why, and whether a convolution comes out right with these choices."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import torch
from torch.nn import functional

from striate.machine.choice import Machine, choose
from striate.machine.compiled import compiler

_TOLERANCE = {"cpu": 1e-5, "cuda": 5e-3}  # of the largest value; a GPU may convolve in TF32, which keeps 10 bits
_PACKAGES = ("striate", "torch", "numpy", "pillow", "safetensors", "scikit-learn", "matplotlib", "rich", "cyclopts")


@dataclass(frozen=True)
class Findings:
    """Versions, choices and the self-test's largest relative difference; `healthy` says whether it is small enough."""

    versions: dict[str, str]
    processor: str
    machine: Machine
    difference: float

    @property
    def healthy(self) -> bool:
        return self.difference <= _TOLERANCE[self.machine.device.type]

    def to_dict(self) -> dict[str, object]:
        """Plain values, ready for JSON."""
        return {
            "versions": self.versions,
            "processor": self.processor,
            "choices": describe_choices(self.machine),
            "self_test": {"largest_relative_difference": self.difference, "healthy": self.healthy},
        }


def doctor(device: str = "auto") -> Findings:
    """Look at the machine, choose, and try the choice on one convolution against float64 on the CPU."""
    machine = choose(device)
    return Findings(versions(), platform.processor() or platform.machine(), machine, _self_test(machine))


def describe_choices(machine: Machine) -> dict[str, dict[str, str]]:
    """Each choice as `{"value": …, "why": …}`, keyed by what is chosen."""
    values = {
        "device": str(machine.device),
        "number_format": str(machine.number_format).removeprefix("torch."),
        "memory_format": str(machine.memory_format).removeprefix("torch."),
        "threads": str(machine.threads),
        "allocator": machine.allocator,
    }
    reasons = machine.reasons._asdict()
    choices = {name: {"value": value, "why": reasons[name]} for name, value in values.items()}
    return choices | {"kernels": _kernels(machine)}


def _kernels(machine: Machine) -> dict[str, str]:
    """What runs batch normalisation, addition and ReLU in training steps."""
    found = compiler()
    if machine.device.type != "cpu" or found is None:
        return {"value": "torch", "why": "no C compiler is here" if machine.device.type == "cpu" else "of the GPU"}
    return {"value": f"compiled by {found}", "why": "batch norm, addition and ReLU read the maps once, where there are"}


def versions() -> dict[str, str]:
    """Python's version and those of the packages that answers depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _self_test(machine: Machine) -> float:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 16, 16, generator=generator)
    kernel = torch.randn(8, 3, 5, 5, generator=generator)
    exact = functional.conv2d(images.double(), kernel.double())
    with machine.running():
        ours = functional.conv2d(
            machine.arrange(images.to(machine.device)),
            machine.arrange(kernel.to(machine.device)),
        )
    return float((ours.cpu().double() - exact).abs().max() / exact.abs().max())
