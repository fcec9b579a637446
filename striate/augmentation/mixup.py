"""mixup: an image and its target, mixed with another's (Zhang et al. 2017, arXiv:1710.09412).

out = λ · in + (1 - λ) · partner, for images and shares of classes alike, λ ~ Beta(α, α). The paper draws one λ for the
batch; here each image draws its own. Small α leave most images nearly pure; the paper takes 0.2 for ImageNet, 1 for
CIFAR-10.
"""

from dataclasses import dataclass, replace

import torch

from striate.augmentation.beta import beta_quantiles
from striate.augmentation.knobs import expect_number
from striate.augmentation.mixing import expect_mixable, mix_targets, partners
from striate.augmentation.views import Views, floats
from striate.errors import expect_whole
from striate.images.keyed import Draws

MOST_CLASSES = 1_000_000


@dataclass(frozen=True)
class Mixup:
    """How strongly, and what part of the images is mixed. Gives float32, and targets (N, num_classes)."""

    num_classes: int
    alpha: float = 0.2
    probability: float = 1.0

    def __post_init__(self) -> None:
        expect_whole("the number of classes", self.num_classes, MOST_CLASSES)
        expect_number("mixup's alpha", self.alpha, 0.01, 100)
        expect_number("mixup's probability", self.probability, 0, 1)

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch, mixed. Raises SettingsError for masks, boxes and keypoints, which have no mixture."""
        expect_mixable("mixup", views, masks=False)
        chosen, quantile = draws.uniform("mixup", 2).unbind(1)  # (N,) each
        own = torch.where(chosen < self.probability, beta_quantiles(quantile, self.alpha), 1)
        partner = partners(draws, "mixup partner")
        images = floats(views.images)
        others = images.index_select(0, partner.to(images.device))
        weight = (1 - own).to(images.device, images.dtype).view(-1, 1, 1, 1)
        targets = views.targets
        return replace(
            views,
            images=torch.lerp(images, others, weight),
            targets=None if targets is None else mix_targets(targets, partner, own, self.num_classes),
        )
