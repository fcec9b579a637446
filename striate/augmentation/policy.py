"""What a batch undergoes, step by step; a policy is written as words, and read from them again.

>>> policy = parse_policy("flip, shift:4:border=reflect, mixup:0.2", num_classes=10)
>>> str(policy)
'flip,shift:border=reflect,mixup'
>>> parse_policy(str(policy), num_classes=10) == policy
True
"""

from dataclasses import asdict, dataclass
from typing import Any

from striate.augmentation.augmentation import Augmentation, Movement
from striate.augmentation.colour import Colour
from striate.augmentation.cutmix import CutMix
from striate.augmentation.erasing import Erasing
from striate.augmentation.flip import Flip
from striate.augmentation.lighting import Components, Lighting
from striate.augmentation.mixup import Mixup
from striate.augmentation.pending import Pending
from striate.augmentation.randaugment import RandAugment
from striate.augmentation.resized_crop import ResizedCrop
from striate.augmentation.rotation import Rotation
from striate.augmentation.shift import Shift
from striate.augmentation.variation import Variation
from striate.augmentation.views import Views
from striate.augmentation.wording import FROM_DATA, NO_STEPS, read_step, write_step
from striate.errors import SettingsError, UnknownNameError
from striate.images.keyed import Draws

POLICY_NAMES: dict[str, type[Augmentation]] = {
    "flip": Flip,
    "shift": Shift,
    "crop": ResizedCrop,
    "rotation": Rotation,
    "variation": Variation,
    "randaugment": RandAugment,
    "colour": Colour,
    "lighting": Lighting,
    "erase": Erasing,
    "mixup": Mixup,
    "cutmix": CutMix,
}


@dataclass(frozen=True)
class Policy:
    """Steps in order; moves that follow each other are one move of the image (`pending`).

    An augmentation may stand once: its chances are drawn by its name, and a second would repeat the first.
    """

    steps: tuple[Augmentation, ...] = ()

    def __post_init__(self) -> None:
        kinds = [type(step) for step in self.steps]
        if twice := [kind.__name__ for kind in kinds if kinds.count(kind) > 1]:
            raise SettingsError(f"a policy has {twice[0]} twice, which would draw the same again; leave one out")

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch after all steps. `draws` are for its images, in order."""
        if len(draws.indices) != len(views):
            raise ValueError(f"{len(views)} images, but draws for {len(draws.indices)}")
        pending = Pending(views)
        for step in self.steps:
            if isinstance(step, Movement):
                pending = step.advance(pending, draws)
            else:
                pending = Pending(step.apply(pending.settle(), draws))
        return pending.settle()

    def __str__(self) -> str:
        """The words that `parse_policy` reads: of each step its name, and the knobs that are not as they come."""
        return ",".join(write_step(self._name(step), step) for step in self.steps) or NO_STEPS

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON or TOML: every knob of every step."""
        return {"steps": [{"name": self._name(step), **_knobs(step)} for step in self.steps]}

    @staticmethod
    def _name(step: Augmentation) -> str:
        return next((name for name, kind in POLICY_NAMES.items() if kind is type(step)), type(step).__name__)


def parse_policy(text: str, *, num_classes: int | None = None, components: Components | None = None) -> Policy:
    """Read words like "flip,shift:4,mixup:0.2" or "none": steps with a comma between them.

    A step is a name of POLICY_NAMES, then its knobs, each after a colon: values in the order of the class's fields, or
    knob=value. What comes from the data is given beside the text: `num_classes` for mixup and cutmix, `components`
    (`Components.measured`) for lighting. Raises UnknownNameError or SettingsError with what is wrong with the text.
    """
    given = {
        name: value for name, value in (("num_classes", num_classes), ("components", components)) if value is not None
    }
    words = [word.strip() for word in text.split(",")]
    if words == [NO_STEPS]:
        return Policy()
    return Policy(tuple(_read(word, given) for word in words))


def policy_numbers(text: str) -> list[dict[str, Any]]:
    """Every knob of every step of these words that does not come from the data, or the error of `parse_policy`.

    >>> policy_numbers("shift:2")
    [{'name': 'shift', 'pixels': 2, 'border': 'zero'}]
    """
    policy = parse_policy(text, num_classes=1, components=Components(directions=((1.0,),), spreads=(1.0,)))
    steps: list[dict[str, Any]] = policy.to_dict()["steps"]
    return [{name: value for name, value in step.items() if name not in FROM_DATA} for step in steps]


def _read(word: str, given: dict[str, Any]) -> Augmentation:
    name = word.partition(":")[0].strip()
    if name == NO_STEPS:
        raise SettingsError(f"augmentation has {NO_STEPS!r} beside other steps; it stands alone")
    if name not in POLICY_NAMES:
        raise UnknownNameError("augmentation", name, [*POLICY_NAMES, NO_STEPS])
    step: Augmentation = read_step(word, POLICY_NAMES[name], given)
    return step


def _knobs(step: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(step).items() if value is not None}
