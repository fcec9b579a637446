"""Why a training diverges, seen while it happens and said in one sentence.

A run is stopped when its loss is not finite, or when its smoothed loss rises above three times L, the larger of the
first step's loss and the loss of a guess that knows nothing (ln K for K classes). The smoothed loss starts at L and
moves a twentieth of the way to each step's loss, which counts as no more than ten L: one bad batch moves it by half an
L, and five in a row are needed to stop a run, or twenty-two of four L. No run whose losses stay below three L is.

A step's check is a few sums of plain numbers. Weights are looked at only when the run fails.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from striate.errors import RunError

_MEMORY = 0.95  # of the smoothed loss and the usual gradient: about 20 steps
_MOST = 3.0  # times L that the smoothed loss may reach
_CAP = 10.0  # times L that one step counts at most
_SURGE = 10.0  # times the usual gradient that explain a failure
_NEAR = 0.9  # of the highest rate that is as good as the highest


class Watchman:
    """Watches the loss. `chance` is the loss of a guess that knows nothing: ln K for K classes.

    `state` holds the few numbers that it remembers; a run that goes on hands them back in.
    """

    def __init__(self, chance: float, *, number_format: torch.dtype = torch.float32) -> None:
        self.state: dict[str, float] = {}
        self._chance = chance
        self._number_format = number_format

    def check(
        self,
        step: int,
        loss: float,
        rate: float,
        network: nn.Module,
        *,
        gradient_norm: float | None = None,
        images: Tensor | None = None,
    ) -> None:
        """Look at step `step`, counted from 1: its loss and rate, and the norm of its gradient where it is known.

        To be called before the optimizer's step, while the weights are still those that gave the loss. Raises RunError
        with the step, the likely cause and what to do.
        """
        if gradient_norm is not None and math.isfinite(gradient_norm) and gradient_norm > 0:
            self._note_gradient(gradient_norm)
        for what, value in (("loss", loss), ("gradient", 0.0 if gradient_norm is None else gradient_norm)):
            if not math.isfinite(value):
                raise RunError(f"the {what} became {value} at step {step}: {self._cause(rate, network, images)}")
        level = self.state.setdefault("level", max(loss, self._chance))
        smoothed = self.state.get("smoothed", level)
        smoothed += (1 - _MEMORY) * (min(loss, _CAP * level) - smoothed)
        if smoothed > _MOST * level:
            raise RunError(
                f"the loss has risen to {smoothed:.3g} at step {step}, from {level:.3g} at the start: "
                f"{self._cause(rate, network, images)}"
            )
        self.state["smoothed"] = smoothed
        self.state["rate"] = rate
        self.state["highest"] = max(rate, self.state.get("highest", 0.0))

    def _note_gradient(self, norm: float) -> None:
        """Its length against the geometric mean of about the last 20; the largest surge of them fades as slowly."""
        usual = self.state.get("usual_log_norm", math.log(norm))
        self.state["surge"] = max(norm / math.exp(usual), _MEMORY * self.state.get("surge", 1.0))
        self.state["usual_log_norm"] = usual + (1 - _MEMORY) * (math.log(norm) - usual)

    def _cause(self, rate: float, network: nn.Module, images: Tensor | None) -> str:
        """The likeliest reason, and what to do about it."""
        if images is not None and not images.isfinite().all():
            return "the images of this step have values that are not finite; take those images out, or mend them"
        where = next((name for name, tensor in _numbers(network) if not tensor.isfinite().all()), None)
        surge = self.state.get("surge", 1.0)
        if where is not None:
            seen = f"{where} is the first of the network's tensors that is not finite"
        elif surge > _SURGE:
            seen = f"the gradient has been {surge:,.0f} times as long as usual"
        elif self._number_format == torch.float16:
            return "numbers of 16 bits may have passed 65,504, their largest; train in bfloat16 or float32"
        else:
            seen = "the steps are too long"
        return f"{seen}, at a rate of {self._place(rate)}"

    def _place(self, rate: float) -> str:
        """The rate, where it stands in its course, and which one to try instead."""
        highest = max(rate, self.state.get("highest", 0.0))
        place = "near its highest" if rate >= _NEAR * highest else f"down from {highest:.3g}"
        if rate > self.state.get("rate", math.inf):
            place = "still climbing"
        advice = f"train with --rate {highest / 10:.2g}, or a longer --warmup, or --clip 1; --find-rate says which rate"
        return f"{rate:.3g}, {place}; {advice}"


def _numbers(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers by name, layer after layer."""
    for path, layer in network.named_modules():
        for name, tensor in [*layer.named_parameters(path, recurse=False), *layer.named_buffers(path, recurse=False)]:
            if tensor.is_floating_point():
                yield name, tensor
