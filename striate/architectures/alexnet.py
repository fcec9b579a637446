"""AlexNet: five convolutions and three fully connected layers, the network that won ImageNet 2012.

Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012,
figure 2 and sections 3 to 5. Sides from 227: 55, 27, 27, 13, 13, 13, 13, 6. 60,965,224 parameters on two GPUs.

Where we differ, and why: images are 227x227, since the paper's 224 does not give its 55; normalisation stands after
pooling, as in the lectures' table (the paper normalises first, on four times the values); `alexnet` is one column in
which every map sees all maps before it, as there is one machine now; in `alexnet_two_gpus` normalisation reaches over
the border between the two columns. Weights start as in the paper, from N(0, 0.01), biases of CONV2, 4, 5 and of the
hidden layers at 1.
"""

from collections import OrderedDict
from functools import partial

from torch import nn

from striate.architectures.normalisation import local_response_normalisation
from striate.architectures.remaining import remaining
from striate.architectures.starting import start


def alexnet(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """AlexNet in one column."""
    return _alexnet("alexnet", 1, num_classes, in_channels, size)


def alexnet_two_gpus(num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    """AlexNet as on the paper's two GPUs: CONV2, CONV4 and CONV5 see the half of the maps that is on their own."""
    return _alexnet("alexnet_two_gpus", 2, num_classes, in_channels, size)


def _alexnet(name: str, columns: int, num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
    features = OrderedDict(
        conv1=nn.Conv2d(in_channels, 96, kernel_size=11, stride=4),  # (N, 96, 55, 55) from 227x227
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(3, stride=2),  # (N, 96, 27, 27)
        norm1=local_response_normalisation(),
        conv2=nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=columns),  # (N, 256, 27, 27)
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(3, stride=2),  # (N, 256, 13, 13)
        norm2=local_response_normalisation(),
        conv3=nn.Conv2d(256, 384, kernel_size=3, padding=1),  # (N, 384, 13, 13)
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(384, 384, kernel_size=3, padding=1, groups=columns),  # (N, 384, 13, 13)
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(384, 256, kernel_size=3, padding=1, groups=columns),  # (N, 256, 13, 13)
        relu5=nn.ReLU(),
        pool3=nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
    )
    height, width = remaining(name, features.items(), size)
    classifier = OrderedDict(
        flatten=nn.Flatten(),  # (N, 9216)
        fc6=nn.Linear(256 * height * width, 4096),
        relu6=nn.ReLU(),
        dropout6=nn.Dropout(0.5),
        fc7=nn.Linear(4096, 4096),
        relu7=nn.ReLU(),
        dropout7=nn.Dropout(0.5),
        fc8=nn.Linear(4096, num_classes),  # (N, K)
    )
    network = nn.Sequential(features | classifier)
    start(network, partial(nn.init.normal_, std=0.01))
    for layer in ("conv2", "conv4", "conv5", "fc6", "fc7"):
        nn.init.ones_(network.get_parameter(f"{layer}.bias"))  # so that ReLU lets the first signals through
    return network
