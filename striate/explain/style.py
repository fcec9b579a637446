"""Style transfer: a picture with the content of one image and the texture of another, found by descent on its pixels.

Sources: Gatys, Ecker, Bethge 2016, "Image style transfer using convolutional neural networks", CVPR: the picture x
whose features are the content's and whose Gram matrices are the style's, α L_content(x) + β L_style(x) at its least, by
L-BFGS as there or, sooner good, by Adam (`gram` has the formulas and how they are scaled); Gatys et al. 2016,
arXiv:1606.05897 (colour), and 2017, arXiv:1611.07865 (space: a region takes the style of its region; scale: the size of
the style image).

When not to trust it: style is here what the network's channels have in common over the image, which is texture and
colour, and not what a painter means by it. The papers' pictures need VGG-19's features: smaller networks paint coarser.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from striate.errors import SettingsError, expect_whole
from striate.explain.canvas import Limits, resized, total_variation
from striate.explain.colour import as_grey, matched, with_chroma_of
from striate.explain.gram import content_loss, expect_guidance, gram, gram_loss
from striate.explain.partway import Partway
from striate.explain.style_layers import Layers, style_layers

Colour = Literal["take", "keep", "match"]
Watch = Callable[[int, float], object]  # steps done since the last call, and the loss

_MOST = 100_000


@dataclass(frozen=True)
class Styling:
    """How the picture is painted. Raises SettingsError for what makes no sense."""

    content_weight: float = 1.0  # α
    style_weight: float = 20.0  # β
    variation: float = 0.1  # the weight of total variation
    steps: int = 120
    optimiser: Literal["adam", "lbfgs"] = "adam"
    start: Literal["content", "noise"] = "content"
    colour: Colour = "take"  # the style's; or keep the content's; or match the style's to the content's before
    scale: float = 1.0  # of the style image: its longer side over the content's
    seed: int = 0

    def __post_init__(self) -> None:
        expect_whole("steps", self.steps, _MOST)
        for name, known in (
            ("optimiser", ("lbfgs", "adam")),
            ("start", ("content", "noise")),
            ("colour", get_args(Colour)),
        ):
            if getattr(self, name) not in known:
                raise SettingsError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(known)}")
        for name in ("content_weight", "style_weight", "variation"):
            if not 0 <= getattr(self, name) < math.inf:
                raise SettingsError(f"{name} is {getattr(self, name)}; expected a number from 0 on")
        if not 0 < self.scale < math.inf:
            raise SettingsError(f"scale is {self.scale}; expected more than 0, as 1")


@dataclass(frozen=True)
class Space:
    """Regions: masks (R, H, W) of the content and (R, H', W') of the style, from 0 to 1; each takes its own style."""

    content: Tensor
    style: Tensor

    def expect(self, content: Tensor, style: Tensor) -> None:
        """Raise SettingsError if the masks are not of the images' sizes, or not as many."""
        expect_guidance("content", self.content, (content.shape[2], content.shape[3]))
        expect_guidance("style", self.style, (style.shape[2], style.shape[3]))
        if len(self.content) != len(self.style):
            raise SettingsError(
                f"the content has {len(self.content)} masks and the style {len(self.style)}; expected as many: the "
                "first region takes the first style"
            )


def style_transfer(
    network: nn.Module,
    content: Tensor,
    style: Tensor,
    limits: Limits,
    *,
    layers: Layers | None = None,
    how: Styling | None = None,
    space: Space | None = None,
    watch: Watch | None = None,
) -> Tensor:
    """The picture (1, C, H, W), of the content's size, normalised and within the limits.

    Content and style are normalised images (1, C, H, W) of any sizes. Without `layers` they are those of `style_layers`
    for the content's size. Holds the activations up to the deepest layer of one picture of the content's or the style's
    size, twice the weights, and for L-BFGS twenty pictures. `watch(steps, loss)` is called after each step; Ctrl-C ends
    it, and the picture as it is by then is returned.

    Raises UnknownNameError for a layer that is not there; SettingsError for masks of another size, for colours of a
    network that takes none; SizeError for images smaller than the network takes.
    """
    how = how or Styling()
    shown, model = limits.canvas(content), limits.canvas(style)
    if space is not None:
        space.expect(shown, model)
    if how.colour != "take" and shown.shape[1] != 3:
        raise SettingsError(
            f"colour is {how.colour!r}, but the network takes {shown.shape[1]} channels: leave it at take"
        )
    model = _scaled(model, max(shown.shape[2:]) * how.scale)
    target, model = _coloured(shown, model, how.colour)
    layers = layers or style_layers(network, tuple(content.shape[1:]))
    part = Partway(network, layers.all, limits.show(target))
    wanted = _Wanted(part, layers, limits, how, space)
    wanted.see(target, model)
    painted = _descend(wanted, _start(target, how), how, watch or (lambda _steps, _loss: None))
    return limits.show((with_chroma_of(painted, shown) if how.colour == "keep" else painted).clamp(0, 1))


def _scaled(style: Tensor, longer: float) -> Tensor:
    """The style image with a longer side of so many pixels."""
    height, width = style.shape[2:]
    share = longer / max(height, width)
    return resized(style, (max(1, round(height * share)), max(1, round(width * share))))


def _coloured(content: Tensor, style: Tensor, colour: Colour) -> tuple[Tensor, Tensor]:
    """What is painted from: grey for colours that are kept, the style's with the content's mean and spread."""
    if colour == "keep":
        grey = as_grey(content)
        return grey, matched(as_grey(style), grey)
    return content, (matched(style, content) if colour == "match" else style)


def _start(content: Tensor, how: Styling) -> Tensor:
    if how.start == "content":
        return content.clone()
    noise = torch.randn(content.shape, generator=torch.Generator().manual_seed(how.seed))
    return (content.mean(dim=(2, 3), keepdim=True) + 0.1 * noise.to(content)).clamp(0, 1)


class _Wanted:
    """What the picture's layers are to give."""

    def __init__(self, part: Partway, layers: Layers, limits: Limits, how: Styling, space: Space | None) -> None:
        self.part, self.layers, self.limits, self.how, self.space = part, layers, limits, how, space
        self.features: dict[str, Tensor] = {}
        self.grams: dict[str, Tensor] = {}

    def see(self, content: Tensor, style: Tensor) -> None:
        """Keep the content's features and the style's Gram matrices."""
        with torch.no_grad():
            made = self._made(content)
            self.features = {name: made[name] for name in self.layers.content}
            made = self._made(style)
            guidance = None if self.space is None else self.space.style
            self.grams = {name: gram(made[name], guidance) for name in self.layers.style}

    def loss(self, canvas: Tensor) -> Tensor:
        """α · mean content loss + β · mean style loss + the weight of total variation · that."""
        made = self._made(canvas)
        guidance = None if self.space is None else self.space.content
        content = [content_loss(made[name], wanted) for name, wanted in self.features.items()]
        style = [gram_loss(gram(made[name], guidance), wanted) for name, wanted in self.grams.items()]
        how = self.how
        restless = how.variation * total_variation(canvas).sum()
        return how.content_weight * _mean(content) + how.style_weight * _mean(style) + restless

    def _made(self, canvas: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.layers.all, self.part.made(self.limits.show(canvas)), strict=True))


def _mean(losses: list[Tensor]) -> Tensor:
    return torch.stack(losses).mean() if losses else torch.zeros(())


def _descend(wanted: _Wanted, canvas: Tensor, how: Styling, watch: Watch) -> Tensor:
    """The picture after so many steps, or fewer if the loss no longer falls or Ctrl-C is pressed."""
    canvas = canvas.contiguous().requires_grad_()
    optimiser = _optimiser(canvas, how)

    def evaluate() -> Tensor:
        with torch.enable_grad():
            loss = wanted.loss(canvas)
            (gradient,) = torch.autograd.grad(loss, canvas)
        canvas.grad = gradient.contiguous()  # which L-BFGS wants
        return loss.detach()

    best = canvas.detach().clone()
    try:
        with torch.inference_mode(False):
            for _ in range(how.steps):
                loss = float(optimiser.step(evaluate))  # type: ignore[arg-type]
                if not math.isfinite(loss):
                    break
                best = canvas.detach().clone()
                watch(1, loss)
    except KeyboardInterrupt:
        return best
    return best


def _optimiser(canvas: Tensor, how: Styling) -> torch.optim.Optimizer:
    if how.optimiser == "adam":
        return torch.optim.Adam([canvas], lr=0.02)
    return torch.optim.LBFGS(
        [canvas], max_iter=1, history_size=10, tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe"
    )
