"""Networks that explanations are compared on with captum: what it can follow, and what is hard about following."""

import torch
from torch import nn
from torch.nn import functional


class Chain(nn.Sequential):
    """Convolutions, batch norm and overlapping pooling in a row; every ReLU a module of its own."""

    def __init__(self, inplace=False):
        super().__init__(
            nn.Conv2d(3, 8, 5, padding=2),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(8, 12, 3),
            nn.ReLU(inplace),
            nn.Conv2d(12, 12, 3, padding=1),
            nn.ReLU(inplace),
            nn.Flatten(),
            nn.Linear(12 * 13 * 13, 20),
            nn.ReLU(inplace),
            nn.Linear(20, 5),
        )


class Residual(nn.Module):
    """Two residual blocks whose ReLU is one module, used at each place if `reused`."""

    def __init__(self, reused=False):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.first, self.second = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        relus = [nn.ReLU()] * 3 if reused else [nn.ReLU() for _ in range(3)]
        self.relus = nn.ModuleList(relus)
        self.head = nn.Linear(8, 5)

    def forward(self, images):
        maps = self.relus[0](self.stem(images))
        maps = self.relus[1](maps + self.norm(self.first(maps)))
        maps = self.relus[2](maps + self.second(maps))
        return self.head(maps.mean(dim=(2, 3)))


class Functional(nn.Module):
    """Residual's arithmetic, whose rectifiers are calls."""

    def __init__(self, like):
        super().__init__()
        self.like = like

    def forward(self, images):
        like = self.like
        maps = functional.relu(like.stem(images))
        maps = (maps + like.norm(like.first(maps))).relu_()
        maps = torch.relu(maps + like.second(maps))
        return like.head(maps.mean(dim=(2, 3)))


def settled(network, seed=0):
    """With batch norm statistics that are not those of the start, in test mode and double precision."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) + 0.5)
    return network.double().eval()
