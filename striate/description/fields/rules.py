"""Which rule follows the reach through which of torch's operations."""

from collections.abc import Mapping
from typing import Any

import torch

from striate.description.fields import mixing, resampling, reshaping
from striate.description.fields.step import Rule


def rule_of(func: Any) -> Rule:
    """The rule of an operation: by its name, else by the tags that torch gives it, else the one that gives up."""
    name = func.overloadpacket.__name__
    if name in RULES:
        return RULES[name]
    if torch.Tag.pointwise in func.tags or name.rstrip("_") in _VALUE_BY_VALUE:
        return mixing.value_by_value
    return mixing.reduced if torch.Tag.reduction in func.tags else mixing.unknown


_VALUE_BY_VALUE = {"_to_copy", "copy", "native_dropout", "prelu", "_prelu_kernel", "hardswish", "hardsigmoid"}
_VALUE_BY_VALUE |= {"alias", "detach", "lift_fresh", "contiguous", "bernoulli", "fill", "zero", "expand"}


def _each(rule: Rule, *names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, rule)


_linear = resampling.enlarged(lambda field, ratio, aligned: field.interpolated(ratio, aligned=aligned))
_cubic = resampling.enlarged(lambda field, ratio, aligned: field.interpolated(ratio, aligned=aligned, taps=4))
_nearest = resampling.enlarged(lambda field, ratio, _: field.nearest(ratio))
_nearest_centre = resampling.enlarged(lambda field, ratio, _: field.nearest(ratio, centred=True))
_WINDOWS = (
    "convolution",
    *(f"{name}_pool{n}d{end}" for n in (2, 3) for name, end in (("avg", ""), ("max", "_with_indices"))),
)

RULES: Mapping[str, Rule] = {
    **{name: resampling.window(name) for name in _WINDOWS},
    **_each(resampling.adaptive, *(f"{name}_pool{n}d" for n in (2, 3) for name in ("_adaptive_avg", "adaptive_max"))),
    **_each(_nearest, *(f"upsample_nearest{n}d" for n in (1, 2, 3))),
    **_each(_nearest_centre, *(f"_upsample_nearest_exact{n}d" for n in (1, 2, 3))),
    **_each(_linear, "upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"),
    **_each(_cubic, "upsample_bicubic2d"),
    **_each(resampling.shuffled, "pixel_shuffle", "pixel_unshuffle"),
    **_each(resampling.padded("pad"), "constant_pad_nd"),
    **_each(
        resampling.padded("padding"), *(f"{name}_pad{n}d" for n in (1, 2, 3) for name in ("reflection", "replication"))
    ),
    **_each(resampling.sliced, "slice"),
    **_each(resampling.selected, "select"),
    **_each(reshaping.parted, "split", "split_with_sizes", "unbind", "chunk"),
    **_each(reshaping.concatenated, "cat"),
    **_each(reshaping.stacked, "stack"),
    **_each(reshaping.permuted, "permute", "transpose", "t"),
    **_each(reshaping.viewed, "view", "_unsafe_view", "_reshape_alias", "reshape", "unsqueeze", "squeeze"),
    **_each(mixing.along, "_softmax", "_safe_softmax", "_log_softmax"),
    **_each(mixing.product("self", "mat2"), "mm", "bmm"),
    **_each(mixing.product("mat1", "mat2"), "addmm", "_addmm_activation"),
    **_each(mixing.product("batch1", "batch2"), "baddbmm"),
    **_each(
        mixing.attention,
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_fused_attention_overrideable",
    ),
    **_each(mixing.layer_normalised, "native_layer_norm"),
    **_each(mixing.group_normalised, "native_group_norm"),
    **_each(mixing.batch_normalised, "native_batch_norm", "_native_batch_norm_legit", "_batch_norm_impl_index"),
    **_each(mixing.batch_normalised, "_native_batch_norm_legit_no_training"),
}
