"""Blocks that are small graphs: separable and depthwise separable convolution, squeeze-and-excitation.

Source: D2, "low-rank kernels can be implemented by efficient separable convolutions"; D1, "Depthwise separable
convolution" (Howard et al. 2017, arXiv:1704.04861); Hu et al. 2017, arXiv:1709.01507.
"""

from striate.byhand.activations import ReLU, Sigmoid
from striate.byhand.columns import ConvolutionByColumns
from striate.byhand.combining import Reweight
from striate.byhand.graph import Graph
from striate.byhand.linear import Linear
from striate.byhand.locally_connected import DepthwiseConvolution
from striate.byhand.pooling import GlobalAveragePooling


class SeparableConvolution(Graph):
    """v = U * H down the columns, y = V * v along the rows: a kernel V[k, R, Δy] U[R, c, Δx] of rank R.

    Each with stride and padding along its own axis. Leaves: H (B, C, X, Y), U (R, C, F, 1), V (K, R, 1, F), b (K).
    """

    def __init__(self, stride: int = 1, padding: int = 0) -> None:
        down = ConvolutionByColumns(stride=(stride, 1), padding=(padding, 0))
        along = ConvolutionByColumns(stride=(1, stride), padding=(0, padding))
        super().__init__({"v": (down, "H", "U"), "y": (along, "v", "V", "b")})


class DepthwiseSeparableConvolution(Graph):
    """d[b, c, x] = D[c, ΔX] H[b, c, s x + ΔX − P], y[b, k, x] = A[k, C] d[b, C, x] + b[k]: places, then channels.

    Leaves: H (B, C, …), D (C, F …), A (K, C, 1 …), b (K).
    """

    def __init__(self, stride: int = 1, padding: int = 0) -> None:
        depthwise, pointwise = DepthwiseConvolution(stride=stride, padding=padding), ConvolutionByColumns()
        super().__init__({"d": (depthwise, "H", "D"), "y": (pointwise, "d", "A", "b")})


class SqueezeAndExcitation(Graph):
    """z[b, c] = mean of H[b, c, X]; w = σ(W2 max(0, W1 z + b1) + b2); y[b, c, x] = w[b, c] H[b, c, x].

    Leaves: H (B, C, …), W1 (C/r, C), b1 (C/r), W2 (C, C/r), b2 (C).
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "z": (GlobalAveragePooling(), "H"),
                "s1": (Linear(), "z", "W1", "b1"),
                "h": (ReLU(), "s1"),
                "s2": (Linear(), "h", "W2", "b2"),
                "w": (Sigmoid(), "s2"),
                "y": (Reweight(), "H", "w"),
            }
        )
