"""What moved an answer, for the page of a run: an image's maps of heat, small, beside it."""

from typing import Any

import torch
from numpy.typing import NDArray

from striate.explain.drawing import draw_heat
from striate.explain.heat import heat, heat_method
from striate.explain.layers import maps_of
from striate.recipes.gallery import Model
from striate.recipes.report_drawing import inline


def moved(model: Model, images: NDArray[Any], targets: list[int]) -> list[list[tuple[str, str]]]:
    """For each prepared image (N, C, H, W) and class number: the names of the maps, and the maps as data URIs."""
    device = model.machine.device
    prepared = model.preparation.normalise(torch.from_numpy(images).to(device))
    asked = torch.tensor(targets, device=device)
    has_maps = bool(maps_of(model.network, images.shape[1:]))
    names = ("saliency", "grad_cam") if has_maps else ("saliency",)
    maps = {heat_method(name).title: heat(model.network, prepared, asked, name).cpu().numpy() for name in names}
    return [
        [(title, inline(draw_heat(image, own[row]))) for title, own in maps.items()] for row, image in enumerate(images)
    ]
