"""The picture of a learning-rate range test: the smoothed loss against the rate, and the rate that is suggested."""

from typing import Any

from matplotlib.figure import Figure

from striate.training.rate_range import RateRange

_LOSS, _SUGGESTED = "#4063d8", "#cb3c33"


def draw_rates(found: RateRange) -> Figure:
    """A figure of one plot: rates on a logarithmic axis to the right, the smoothed loss upwards."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes: Any = figure.subplots()
    axes.plot(found.rates, found.losses, color=_LOSS, linewidth=1.8)
    lowest = found.losses.index(min(found.losses))
    axes.plot(found.rates[lowest], found.losses[lowest], "o", color=_LOSS)
    axes.annotate(
        "lowest", (found.rates[lowest], found.losses[lowest]), (0, -16), textcoords="offset points", ha="center"
    )
    axes.axvline(found.suggestion, color=_SUGGESTED, linestyle="--", linewidth=1.2)
    axes.set_title(
        f"Suggested rate {found.suggestion:.2g}, a tenth of that of the lowest loss", loc="left", fontsize=11
    )
    axes.set_xscale("log")
    axes.set_ylim(*_span(found.losses))
    axes.set_xlabel("rate, growing with every step")
    axes.set_ylabel("loss, smoothed")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure


def _span(losses: tuple[float, ...]) -> tuple[float, float]:
    """From below the lowest to above the first: where the loss shoots up, its height says nothing."""
    low, first = min(losses), losses[0]
    return low - 0.15 * (first - low) - 1e-9, first + 0.35 * (first - low) + 1e-9
