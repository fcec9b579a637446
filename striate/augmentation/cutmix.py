"""CutMix: a rectangle of another image pasted in, and its class's share with it (Yun et al. 2019, arXiv:1905.04899).

The rectangle has the sides W √(1 - λ) and H √(1 - λ), λ ~ Beta(α, α), about a uniform middle, and is cut off at the
frame; then λ becomes the share of pixels that are the image's own, and the targets are mixed by it.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from striate.augmentation.beta import beta_quantiles
from striate.augmentation.knobs import expect_number
from striate.augmentation.mixing import expect_mixable, mix_targets, partners
from striate.augmentation.mixup import MOST_CLASSES
from striate.augmentation.rectangles import inside_rectangles
from striate.augmentation.views import Views, bits, choose
from striate.errors import expect_whole
from striate.images.keyed import Draws


@dataclass(frozen=True)
class CutMix:
    """How large, and what part of the images. Integers stay integers; targets become (N, num_classes)."""

    num_classes: int
    alpha: float = 1.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        expect_whole("the number of classes", self.num_classes, MOST_CLASSES)
        expect_number("cutmix's alpha", self.alpha, 0.01, 100)
        expect_number("cutmix's probability", self.probability, 0, 1)

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch, pasted into. Masks are pasted too; raises SettingsError for boxes and keypoints."""
        expect_mixable("cutmix", views, masks=True)
        rectangles = self.rectangles(views.size, draws)
        inside = inside_rectangles(rectangles.to(views.images.device), views.size)  # (N, H, W)
        sides = rectangles[:, 2:] - rectangles[:, :2]  # (N, 2)
        own = 1 - sides.prod(1).double() / (views.size[0] * views.size[1])
        partner = partners(draws, "cutmix partner")
        targets, masks = views.targets, views.masks
        pasted = _paste(bits(views.images), partner, inside[:, None])
        return replace(
            views,
            images=pasted.view(views.images.dtype),
            masks=None if masks is None else _paste(masks, partner, inside),
            targets=None if targets is None else mix_targets(targets, partner, own, self.num_classes),
        )

    def rectangles(self, frame: tuple[int, int], draws: Draws) -> Tensor:
        """Left, top, right, bottom (N, 4) in whole pixels; empty where nothing is pasted."""
        limits = torch.tensor([frame[1], frame[0]], dtype=torch.float64)
        chances = draws.uniform("cutmix", 4)  # (N, 4)
        side = torch.sqrt(1 - beta_quantiles(chances[:, 1], self.alpha))
        side = torch.where(chances[:, 0] < self.probability, side, 0)
        middle, half = chances[:, 2:] * limits, side[:, None] * limits / 2  # (N, 2) x, y
        return torch.cat([(middle - half).clamp_min(0), torch.minimum(middle + half, limits)], dim=1).round().long()


def _paste(images: Tensor, partner: Tensor, inside: Tensor) -> Tensor:
    """The partners' pixels where `inside`, the images' own elsewhere."""
    others = images.index_select(0, partner.to(images.device))
    return choose(inside, others, images)
