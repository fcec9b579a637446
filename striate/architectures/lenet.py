"""LeNet-5: convolution and subsampling, twice, then three fully connected layers.

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998),
section II.B and figure 2. Parameters on 1x32x32: 156, 2416, 48120, 10164, 850; 61,706 in all.

Where we differ, and why: every map of C3 sees all six maps of S2 (the paper's table I drops connections to fit 1998's
machines); subsampling is the plain average, without a trained gain and bias; tanh is not scaled by 1.7159; the outputs
are scores for a softmax, not distances to drawn digits. Weights start as torch has them, within 1/sqrt(F) of 0 for F
inputs (the paper's within 2.4/F, for its scaled tanh and a rate of its own for every weight). C5 is the paper's
convolution over everything that is left, written as the matrix product that it is: the same numbers, sooner.
"""

from math import prod

from torch import nn

from striate.architectures.architecture import Architecture, Declaration, Paper
from striate.architectures.blocks import layers
from striate.architectures.network import Network, left

_PAPER = Paper("LeCun et al.", 1998, "Gradient-based learning applied to document recognition", "Proc. IEEE 86")


def lenet5(asked: Declaration) -> Network:
    """C1 6@5x5, S2 2x2, C3 16@5x5, S4 2x2, C5 120, F6 84, output; tanh after each trained layer but the last."""
    stages = layers(
        stage1=layers(
            c1=nn.Conv2d(asked.in_channels, 6, kernel_size=5),  # (N, 6, 28, 28) from 32x32
            tanh1=nn.Tanh(),
            s2=nn.AvgPool2d(2),  # (N, 6, 14, 14)
        ),
        stage2=layers(
            c3=nn.Conv2d(6, 16, kernel_size=5),  # (N, 16, 10, 10)
            tanh3=nn.Tanh(),
            s4=nn.AvgPool2d(2),  # (N, 16, 5, 5)
        ),
    )
    head = layers(
        flatten=nn.Flatten(),  # (N, 400)
        c5=nn.Linear(prod(left(asked, stages)), 120),
        tanh5=nn.Tanh(),
        f6=nn.Linear(120, 84),
        tanh6=nn.Tanh(),
        output=nn.Linear(84, asked.num_classes),  # (N, K)
    )
    return Network(stages, head)


NETWORKS = {"lenet5": Architecture(lenet5, _PAPER, 10, 1, (32, 32))}
