"""What a network of your own costs and sees, and how it stands beside a published one, before any training.

Run: python examples/describe_your_network.py
"""

import torch
from torch import Tensor, nn

import striate


class Two(nn.Module):
    """Two branches, small and dilated, that are joined and scored; pooling and joining are plain function calls."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, stride=2, padding=1)
        self.near = nn.Conv2d(32, 64, 3, padding=1)
        self.far = nn.Conv2d(32, 64, 3, padding=4, dilation=4)
        self.head = nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        maps = nn.functional.max_pool2d(self.stem(images).relu(), 2)
        both = torch.cat([self.near(maps), self.far(maps)], dim=1).relu()
        return self.head(both.mean((2, 3)))  # type: ignore[no-any-return]


card = striate.describe(Two(), "96x128", batch=64)
print(card)
for finding in striate.advise(card, object_size=48):
    print(f"advice: {finding}")

fits = striate.fit_memory(Two(), "2GB", "96x128")
print(f"2 GB hold {fits.training_batch} images in training, {fits.inference_batch} in inference")

print(striate.compare(Two(), "resnet18", size=96))
print(f"this shows a field of {card.last_map.field} pixels and {card.multiplies:,} multiplies")
