"""Can a run be repeated? What fixes its bits, with the values of this run, and what differs where these differ.

Sources: "Reproducibility" in the documentation of PyTorch (docs.pytorch.org, notes/randomness) for releases, devices
and kernels; Goldberg 1991, "What every computer scientist should know about floating-point arithmetic", for the order
of a sum. That the same command gives the same bits on a processor is tested.
"""

import platform
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch

_UNKNOWN = "not recorded"
_ELSEWHERE = {
    "processor": "Other instructions add in another order, so the last digits of a sum differ.",
    "threads": "They share each sum, so another number of them changes the last digits, too.",
    "processes": "Each takes its share of a batch, so that sums are divided otherwise, too.",
    "device": "Kernels of a GPU may add in the order in which its threads finish, so that two runs there can differ.",
    "number format": "bfloat16 keeps 8 significant bits, float32 24: another format ends near, not here.",
    "memory": "Where a batch does not fit it is taken in parts, and normalised by what each part holds.",
    "torch": "Another version may have other kernels, and other first weights of the same seed.",
    "image decoders": "Others may give pixels that differ by one level in 255, of JPEG above all.",
}


class Condition(NamedTuple):
    """Something that a run's bits depend on, what it was here, and what happens where it is different."""

    what: str
    here: str
    elsewhere: str


def conditions(run_file: str, *, processes: int = 1, parts: int = 1) -> list[Condition]:
    """What the bits of the run with this run.toml depend on."""
    document = tomllib.loads(run_file)
    packages, device, threads = document.get("versions", {}), _choice(document, "device"), _choice(document, "threads")
    here = {
        "processor": processor(),
        "threads": threads,
        "processes": str(processes),
        "device": _device(device, document),
        "number format": _choice(document, "number_format"),
        "memory": "whole batches" if parts == 1 else f"batches in {parts} parts",
        "torch": str(packages.get("torch", _UNKNOWN)),
        "image decoders": f"Pillow {packages.get('pillow', _UNKNOWN)}, simplejpeg {version('simplejpeg')}",
    }
    more = {
        "threads": f"OMP_NUM_THREADS={threads} asks for these." if threads.isdecimal() else "",
        "device": "A second run may differ even here." if device.startswith("cuda") else "",
        "image decoders": f"The same pixels have the digest {document.get('data', {}).get('digest', _UNKNOWN)}.",
    }
    return [Condition(what, here[what], f"{text} {more.get(what, '')}".rstrip()) for what, text in _ELSEWHERE.items()]


def same_bits(run_file: str, *, processes: int = 1) -> bool:
    """Whether the same command ends in the same bits where all conditions are the same: of one process, without GPU."""
    return processes == 1 and _choice(tomllib.loads(run_file), "device").startswith("cpu")


def processor() -> str:
    """The processor's name as the system gives it, and the instructions that torch uses of it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"


def _choice(document: dict[str, Any], name: str) -> str:
    """What the run's machine chose."""
    return str(document.get("machine", {}).get(name, {}).get("value", _UNKNOWN))


def _device(device: str, document: dict[str, Any]) -> str:
    return f"{device}: {document['machine']['device']['why']}" if device.startswith("cuda") else device
