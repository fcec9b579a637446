"""Batch normalisation over the batches of all processes: mean and variance are those of the whole batch.

y = γ x̂ + β with x̂ = (x - μ) / sqrt(σ² + ε), μ and σ² over N, H and W of every process (Ioffe and Szegedy 2015,
arXiv:1502.03167; over processes: Peng et al. 2017, arXiv:1711.07240). Each process's count, mean and sum of squares go
round and are put together as Chan et al. 1979 do; on the way back the sums of dy and of dy x̂ go round:
dx = γ / sqrt(σ² + ε) (dy - Σ dy / M - x̂ Σ dy x̂ / M), M values in all. torch has this for GPUs alone (SyncBatchNorm).
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class SynchronisedBatchNorm(_BatchNorm):
    """Has another's parameters and statistics, the same tensors under the same names."""

    def __init__(self, other: _BatchNorm) -> None:
        super().__init__(other.num_features, other.eps, other.momentum, other.affine, other.track_running_stats)
        self._parameters, self._buffers, self.training = other._parameters, other._buffers, other.training

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes will do."""

    def forward(self, input: Tensor) -> Tensor:  # (N, C, ...)
        if not self.training:
            return super().forward(input)
        normalised: Tensor
        normalised, mean, variance, total = _Normalise.apply(input, self.eps)  # type: ignore[no-untyped-call]
        if self.track_running_stats:
            self._remember(mean, variance * total / (total - 1))
        if self.affine:
            shape = (1, -1, *[1] * (input.dim() - 2))
            normalised = normalised * self.weight.view(shape) + self.bias.view(shape)
        return normalised.to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards a batch's."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


def synchronise(network: nn.Module) -> nn.Module:
    """The network with every batch normalisation over all processes; its tensors and their names stay as they are."""
    if any(parameter.is_cuda for parameter in network.parameters()):
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return converted
    if isinstance(network, _BatchNorm):
        return network if isinstance(network, SynchronisedBatchNorm) else SynchronisedBatchNorm(network)
    for name, child in network.named_children():
        setattr(network, name, synchronise(child))
    return network


class _Normalise(torch.autograd.Function):
    """x̂, and the mean, the variance and the number of values that it is made of."""

    @staticmethod
    def forward(context: Any, images: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        values = images.to(torch.promote_types(images.dtype, torch.float32))
        axes = [0, *range(2, values.dim())]
        count = values.numel() // values.shape[1]
        variance, mean = torch.var_mean(values, axes, correction=0)  # (C,) each
        everyone = _gathered(torch.cat([mean, variance * count, mean.new_tensor([float(count)])]))  # (R, 2C + 1)
        means, squares, counts = torch.split(everyone, [len(mean), len(mean), 1], dim=1)
        total = counts.sum()
        mean = (means * counts).sum(0) / total
        variance = (squares + counts * (means - mean) ** 2).sum(0) / total
        shape = (1, -1, *[1] * (values.dim() - 2))
        scale = torch.rsqrt(variance + eps).view(shape)
        normalised = (values - mean.view(shape)) * scale
        context.save_for_backward(normalised, scale, total)
        context.mark_non_differentiable(mean, variance, total)
        return normalised.to(images.dtype), mean, variance, total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        normalised, scale, total = context.saved_tensors
        gradient = gradients[0].to(normalised.dtype)
        axes = [0, *range(2, gradient.dim())]
        sums = torch.stack([gradient.sum(axes), (gradient * normalised).sum(axes)])  # (2, C)
        dist.all_reduce(sums)
        plain, along = (sums / total).view(2, *scale.shape)
        return ((gradient - plain - normalised * along) * scale).to(gradients[0].dtype), None


def _gathered(own: Tensor) -> Tensor:
    """Every process's numbers, a row each, in the order of the processes."""
    rows = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(rows, own)
    return torch.stack(rows)
