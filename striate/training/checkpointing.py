"""Gradient checkpointing: of a stage only what it is given is kept, and on the way back it runs a second time.

Source: Chen, Xu, Zhang, Guestrin, "Training deep nets with sublinear memory cost", 2016, arXiv:1604.06174, section 4.
For S stages of equal size the values kept for the gradient fall from S stages' to those of the one that is under way,
and one map between each two; the price is a second forward pass of the stages. The head, small, runs once.

The second run is the first one again: it draws the same dropout, and whatever it would write into the buffers, such as
the running averages of batch normalisation, is thrown away. Loss, gradients and buffers are those of the plain pass,
bit for bit. A stage may be given and hand on any number of tensors, and the network may run them in its own order.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from striate.architectures.network import Network
from striate.errors import SettingsError


class Checkpointed(nn.Module):
    """A network whose stages run a second time on the way back."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        outputs: Tensor = run_checkpointed(self.network, images)
        return outputs


def run_checkpointed(network: nn.Module, images: Tensor) -> Any:
    """What `network(images)` gives for images (N, C, H, W), with less memory until its gradient is taken.

    Raises SettingsError for a module that has no stages.
    """
    if not isinstance(network, Network):
        raise SettingsError(
            f"checkpointing runs a network stage by stage, and {type(network).__name__} has no stages; "
            f"expected a striate Network: leave checkpointing off, or make a Network of it"
        )
    with ExitStack() as entered:
        for stage in dict.fromkeys(network.stages):
            entered.enter_context(_run_twice(stage))
        return network(images)


@contextmanager
def _run_twice(stage: nn.Module) -> Iterator[None]:
    """Within the body, the stage's forward pass keeps what it is given alone."""
    plain = stage.forward
    own = "forward" in vars(stage)
    stage.forward = partial(_forward, stage, plain)
    try:
        yield
    finally:
        if own:
            stage.forward = plain
        else:
            del stage.forward


def _forward(stage: nn.Module, plain: Callable[..., Any], *given: Any, **options: Any) -> Any:
    return checkpoint(
        plain, *given, use_reentrant=False, preserve_rng_state=True, context_fn=partial(_contexts, stage), **options
    )


def _contexts(stage: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Those of the first and of the second run."""
    return nullcontext(), _writing_aside(stage)


@contextmanager
def _writing_aside(stage: nn.Module) -> Iterator[None]:
    """Within the body, the stage's buffers are copies, and what is written to them is lost."""
    kept = [(layer, name, buffer) for layer in stage.modules() for name, buffer in layer._buffers.items()]
    for layer, name, buffer in kept:
        layer._buffers[name] = None if buffer is None else buffer.clone()
    try:
        yield
    finally:
        for layer, name, buffer in kept:
            layer._buffers[name] = buffer
