"""Every layer's forward and backward derived by hand, in NumPy, as the lectures write it: to be read, and as an oracle.

It is no engine for training networks of size.
"""

from striate.byhand.activations import ELU, LeakyReLU, Maxout, ReLU, Sigmoid, Softmax, Tanh
from striate.byhand.blocks import DepthwiseSeparableConvolution, SeparableConvolution, SqueezeAndExcitation
from striate.byhand.checking import GradientCheck, gradient_check
from striate.byhand.columns import ConvolutionByColumns, col2im, im2col
from striate.byhand.combining import Add, Concatenate, Flatten, Reweight
from striate.byhand.convolution import Convolution
from striate.byhand.descent import GradientDescent, Plateau
from striate.byhand.dropout import Dropout
from striate.byhand.einstein import einstein
from striate.byhand.graph import Graph
from striate.byhand.initialisation import he, xavier
from striate.byhand.linear import Linear
from striate.byhand.locally_connected import DepthwiseConvolution, LocallyConnected
from striate.byhand.losses import CrossEntropy, MulticlassSVM, SoftmaxCrossEntropy, SquaredError, SquaredNorm
from striate.byhand.normalisation import BatchNormalisation, LocalResponseNormalisation
from striate.byhand.operation import Operation
from striate.byhand.pooling import AveragePooling, GlobalAveragePooling, L2Pooling, MaxPooling, MinPooling
from striate.byhand.sliding import Window, window_over
from striate.byhand.upsampling import BedOfNails, Bilinear, MaxUnpooling, Nearest, UpConvolution

__all__ = [
    "ELU",
    "Add",
    "AveragePooling",
    "BatchNormalisation",
    "BedOfNails",
    "Bilinear",
    "Concatenate",
    "Convolution",
    "ConvolutionByColumns",
    "CrossEntropy",
    "DepthwiseConvolution",
    "DepthwiseSeparableConvolution",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling",
    "GradientCheck",
    "GradientDescent",
    "Graph",
    "L2Pooling",
    "LeakyReLU",
    "Linear",
    "LocalResponseNormalisation",
    "LocallyConnected",
    "MaxPooling",
    "MaxUnpooling",
    "Maxout",
    "MinPooling",
    "MulticlassSVM",
    "Nearest",
    "Operation",
    "Plateau",
    "ReLU",
    "Reweight",
    "SeparableConvolution",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "SquaredNorm",
    "SqueezeAndExcitation",
    "Tanh",
    "UpConvolution",
    "Window",
    "col2im",
    "einstein",
    "gradient_check",
    "he",
    "im2col",
    "window_over",
    "xavier",
]
