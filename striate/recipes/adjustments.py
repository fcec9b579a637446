"""What a person changes of a recipe: the same names, and nothing where the recipe's own number holds."""

from dataclasses import dataclass, fields, replace
from typing import Any

from striate.training.recipe import Balance, OptimizerName, Recipe, ScheduleName
from striate.training.scaling import scaled


@dataclass(frozen=True, kw_only=True)
class Adjustments:
    """What a person changes of a recipe, field by field; None is as the recipe has it."""

    epochs: int | None = None
    """Passes over the training images."""

    batch_size: int | None = None
    """Images that one step learns from, of all processes together."""

    optimizer: OptimizerName | None = None
    """What makes a step of a gradient."""

    rate: float | None = None
    """Learning rate at its highest; if not given, it grows with a batch larger than the recipe's (docs/training.md)."""

    momentum: float | None = None
    """Of the optimizer."""

    decay: float | None = None
    """Weight decay."""

    schedule: ScheduleName | None = None
    """How the rate falls."""

    warmup: float | None = None
    """Share of the steps in which the rate climbs."""

    milestones: tuple[float, ...] | None = None
    """Shares of the steps after which the rate falls tenfold, with --schedule steps."""

    patience: int | None = None
    """Epochs without a better validation loss after which it falls tenfold, with --schedule plateau."""

    label_smoothing: float | None = None
    """Share of a target that is spread over all classes."""

    balance: Balance | None = None
    """Classes of unequal size: none, loss (mistakes about rare ones cost more), sampler (they are shown more often)."""

    accumulate: int | None = None
    """Parts in which a batch is taken, to need less memory; as many as it asks for if not given."""

    clip: float | None = None
    """Longest gradient."""

    average: float | None = None
    """Decay of a moving average of the weights, as 0.999, that is judged and kept instead of them."""

    progressive: float | None = None
    """Side of the first epoch's images as a share of the network's, as 0.5; it grows to the whole."""

    checkpointing: bool | None = None
    """Run each stage a second time on the way back instead of keeping what it gave: less memory, more time."""

    stop: int | None = None
    """Stop after so many epochs without a better validation loss."""

    depth_rates: float | None = None
    """Rate of each stage as a share of the next one's, as 0.6."""

    augment: str | None = None
    """What training images undergo: `none`, or words as flip,shift:4,colour (docs/augmentation.md lists them)."""

    def adjusted(self, recipe: Recipe) -> Recipe:
        """The recipe with what is set here; a larger batch has a larger rate, unless the rate is set too."""
        own: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(Adjustments)}
        changes = {name: value for name, value in own.items() if value is not None}
        batch_size = changes.pop("batch_size", recipe.batch_size)
        changed = replace(recipe, **changes)
        if self.rate is None and batch_size > recipe.batch_size:
            return scaled(changed, batch_size, warmup=self.warmup)
        return replace(changed, batch_size=batch_size)
