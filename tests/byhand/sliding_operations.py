"""Operations in which a window slides over maps, or maps grow, each with inputs that fit it."""

from functools import partial

import numpy as np

from striate import byhand as by


def slides(draw, axes):
    """Kernel, how it slides, and maps of one or two places more than it needs at least."""
    kernel = [draw.size(3 if axes < 3 else 2) for _ in range(axes)]
    how = {
        "stride": draw.each(axes, (1, 2, 3)),
        "padding": draw.of((0, 1, "same", tuple(draw.of(((0, 1), (2, 1), 0, "same")) for _ in range(axes)))),
        "dilation": draw.each(axes, (1, 2)),
    }
    dilations = np.broadcast_to(how["dilation"], axes)
    size = [d * (f - 1) + draw.size(2) for f, d in zip(kernel, dilations, strict=True)]
    return kernel, how, size


def convolution(make, axes, draw):
    kernel, how, size = slides(draw, axes)
    groups, C, K = draw.size(2), draw.size(2), draw.size(2)
    H, A = draw.numbers(draw.size(2), groups * C, *size), draw.numbers(groups * K, C, *kernel)
    return make(**how, groups=groups), H, A, *draw.bias(groups * K)


def depthwise(draw):
    kernel, how, size = slides(draw, draw.size(2))
    C = draw.size()
    return by.DepthwiseConvolution(**how), draw.numbers(draw.size(2), C, *size), draw.numbers(C, *kernel), *draw.bias(C)


def locally_connected(draw):
    kernel, how, size = slides(draw, draw.size(2))
    how.pop("dilation")
    C, K, places = draw.size(2), draw.size(2), by.window_over(size, kernel, **how).places
    H, A = draw.numbers(draw.size(2), C, *size), draw.numbers(K, C, *places, *kernel)
    return by.LocallyConnected(**how), H, A, *draw.bias(K, *places)


def up_convolution(draw):
    stride, dilation = draw.size(3), draw.size(2)
    sides = [(draw.size(3), draw.size(3)) for _ in range(draw.size(2))]  # of maps and kernel
    extra = draw.of(range(max(stride, dilation)))
    made = min(stride * (w - 1) + dilation * (f - 1) + 1 + extra for w, f in sides)
    padding = draw.of(range((made + 1) // 2))
    groups, C, K = draw.size(2), draw.size(2), draw.size(2)
    H = draw.numbers(draw.size(2), groups * C, *(w for w, _ in sides))
    A = draw.numbers(groups * C, K, *(f for _, f in sides))
    return by.UpConvolution(stride, padding, dilation, groups, extra), H, A, *draw.bias(groups * K)


def pooling(make, draw):
    axes, kernel = draw.size(2), draw.size(3)
    how = {"stride": draw.of((None, 1, 2)), "padding": draw.of((0, kernel // 2, "same", ((0, kernel // 2),) * axes))}
    return make(kernel, **how), draw.numbers(draw.size(2), draw.size(2), *(kernel + draw.of((0, 1, 2)),) * axes)


def max_unpooling(draw):
    pool, maps = pooling(by.MaxPooling, draw)
    return by.MaxUnpooling(pool), draw.numbers(*pool.forward(maps).shape)


def separable(draw):
    F, C, R, K = draw.size(), draw.size(2), draw.size(2), draw.size(2)
    operation = by.SeparableConvolution(stride=draw.size(2), padding=draw.of((0, 1)))
    H = draw.numbers(draw.size(2), C, F + draw.of((0, 1)), F + draw.of((0, 1)))
    return operation, H, draw.numbers(R, C, F, 1), draw.numbers(K, R, 1, F), draw.numbers(K)


def depthwise_separable(draw):
    axes, F, C, K = draw.size(2), draw.size(), draw.size(), draw.size()
    operation = by.DepthwiseSeparableConvolution(stride=draw.size(2), padding=draw.of((0, 1)))
    H = draw.numbers(draw.size(2), C, *(F + draw.of((0, 1)) for _ in range(axes)))
    return operation, H, draw.numbers(C, *(F,) * axes), draw.numbers(K, C, *(1,) * axes), draw.numbers(K)


SLIDING = {
    "Convolution on lines": partial(convolution, by.Convolution, 1),
    "Convolution on images": partial(convolution, by.Convolution, 2),
    "Convolution on volumes": partial(convolution, by.Convolution, 3),
    "ConvolutionByColumns on lines": partial(convolution, by.ConvolutionByColumns, 1),
    "ConvolutionByColumns on images": partial(convolution, by.ConvolutionByColumns, 2),
    "ConvolutionByColumns on volumes": partial(convolution, by.ConvolutionByColumns, 3),
    "DepthwiseConvolution": depthwise,
    "LocallyConnected": locally_connected,
    "UpConvolution": up_convolution,
    "SeparableConvolution": separable,
    "DepthwiseSeparableConvolution": depthwise_separable,
    "MaxPooling": partial(pooling, by.MaxPooling),
    "MinPooling": partial(pooling, by.MinPooling),
    "AveragePooling": partial(pooling, by.AveragePooling),
    "L2Pooling": partial(pooling, by.L2Pooling),
    "GlobalAveragePooling": lambda draw: (by.GlobalAveragePooling(), draw.maps()),
    "MaxUnpooling": max_unpooling,
    "BedOfNails": lambda draw: (by.BedOfNails(draw.size()), draw.maps()),
    "Nearest": lambda draw: (by.Nearest(draw.size()), draw.maps(axes=2)),
    "Bilinear": lambda draw: (by.Bilinear(draw.size()), draw.maps(axes=2)),
}
