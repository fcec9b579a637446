"""What a texture is to a network: which of its channels answer together, wherever it is.

Sources: Gatys, Ecker, Bethge 2016, "Image style transfer using convolutional neural networks", CVPR, equations 3 to 5;
Gatys et al. 2017, "Controlling perceptual factors in neural style transfer", arXiv:1611.07865, section 4, guided Gram
matrices. Letters: F the features of a layer (C, M) at its M places, T the guidance of a region (M), from 0 to 1.
"""

import torch
from torch import Tensor
from torch.nn import functional

from striate.errors import SettingsError


def gram(maps: Tensor, guidance: Tensor | None = None) -> Tensor:
    """Gram matrices (R, C, C) of maps (1, C, H, W): one, F Fᵀ / M; or for guidance (R, h, w) one for each region.

    With T the guidance brought to H×W by averages, these are (T∘F) (T∘F)ᵀ / Σ T²: a region's own mean, whatever its
    size, so that images of different sizes can be compared. The paper's G is M times it.
    """
    features = maps[0].flatten(1)  # (C, M)
    if guidance is None:
        return (features @ features.T / features.shape[1])[None]
    guides = functional.adaptive_avg_pool2d(guidance[None].to(maps), (maps.shape[2], maps.shape[3]))[0].flatten(
        1
    )  # (R, M)
    return torch.stack([(features * one) @ (features * one).T / one.square().sum().clamp(min=1e-8) for one in guides])


def gram_loss(grams: Tensor, wanted: Tensor) -> Tensor:
    """Σ (G − A)² / Σ A² for each region, and its mean over the regions: 1 if nothing of the style is there.

    The paper's E = Σ (G − A)² / (4 C² M²) is this but for a factor that is the same for every picture. Divided so, the
    layers of any network weigh alike; its weights alone would make them differ by orders of magnitude.
    """
    apart, whole = (grams - wanted).square().sum(dim=(1, 2)), wanted.square().sum(dim=(1, 2))
    return (apart / whole.clamp(min=1e-12)).mean()


def content_loss(maps: Tensor, wanted: Tensor) -> Tensor:
    """Σ (F − P)² / Σ P²: the paper's ½ Σ (F − P)², divided as above."""
    return (maps - wanted).square().sum() / wanted.square().sum().clamp(min=1e-12)


def expect_guidance(name: str, guidance: Tensor, size: tuple[int, int]) -> None:
    """Raise SettingsError unless the guidance is (R, *size), from 0 to 1, and has something in each region."""
    shape = "×".join(map(str, guidance.shape))
    if guidance.dim() != 3 or tuple(guidance.shape[1:]) != size:
        raise SettingsError(
            f"the mask of the {name} is {shape}; the {name} is {size[0]}×{size[1]}: give masks (regions, "
            "height, width) of that size"
        )
    if not 0 <= float(guidance.min()) <= float(guidance.max()) <= 1 or not bool((guidance.amax(dim=(1, 2)) > 0).all()):
        raise SettingsError(f"a mask of the {name} is empty or leaves 0 to 1; expected 1 inside its region, 0 outside")
