"""Import this before torchvision where torch is a CPU build.

The compiled operators of torchvision's wheel need CUDA libraries, so that beside a CPU build its import stops at the
first operator it looks up. Declaring their names is enough for the import; transforms, models and state dicts then
work. The declared operators have no kernel: calling one fails, as it should.
"""

import torch

_OPERATORS = (
    "nms",
    "qnms",
    "roi_align",
    "_roi_align_backward",
    "roi_pool",
    "_roi_pool_backward",
    "ps_roi_align",
    "_ps_roi_align_backward",
    "ps_roi_pool",
    "_ps_roi_pool_backward",
    "deform_conv2d",
    "_deform_conv2d_backward",
)

if not hasattr(torch.ops.torchvision, "nms"):
    LIBRARY = torch.library.Library("torchvision", "DEF")  # kept: when it goes, the declarations go
    for _name in _OPERATORS:
        LIBRARY.define(f"{_name}(Tensor input) -> Tensor")
