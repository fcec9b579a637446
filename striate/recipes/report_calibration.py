"""The reliability diagram of report.html: how often the network is right against how sure it says it is."""

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from striate.recipes.report_drawing import FAINT, QUIET, STYLE, VALIDATION, WRONG, svg
from striate.tasks.calibration import Calibration

_EVEN = 0.005  # a difference, of 1, up to which a network is called neither too sure nor not sure enough


def draw_calibration(found: Calibration) -> str:
    """Above the share that is right in each bin, below how many images the bin holds."""
    with rc_context(STYLE):
        figure = Figure(figsize=(4.6, 5.2), layout="constrained")
        shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=(1, 0.3))
        _draw_shares(shares, found)
        _draw_counts(counts, found)
        ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
        counts.set(xlim=(0, 1), xlabel="probability that it said (%)")
        counts.set_xticks(ticks, [f"{100 * tick:.0f}" for tick in ticks])
        shares.set_yticks(ticks, [f"{100 * tick:.0f}" for tick in ticks])
        for axes in (shares, counts):
            axes.title.set(color=QUIET, ha="left", x=0.0)
        return svg(figure)


def verdict(found: Calibration) -> str:
    """What the diagram says as a whole."""
    difference = found.said - found.right
    if found.error <= found.chance:
        return "no more than chance gives if every probability were true"
    if abs(difference) <= _EVEN:
        return "too sure in some places, not sure enough in others"
    return (
        "too sure of itself on the whole"
        if difference > 0
        else "less sure of itself than it could be; smoothed labels, mixed images or a short training do that"
    )


def _draw_shares(axes: Axes, found: Calibration) -> None:
    """A bar up to the share that is right, a dot at the mean probability, and red between the bar and the line."""
    axes.plot([0, 1], [0, 1], color="#718096", linewidth=1, linestyle="--")
    axes.annotate("as sure as right", (0.03, 0.07), color=QUIET, fontsize=9, rotation=45, rotation_mode="anchor")
    for own in found.filled:
        assert own.right is not None
        assert own.said is not None
        middle, width = (own.low + own.high) / 2, own.high - own.low
        axes.bar(middle, own.right, 0.92 * width, color=VALIDATION, alpha=0.28, linewidth=0)
        axes.plot(
            [own.said, own.said],
            [own.right, own.said],
            color=WRONG,
            linewidth=1.6,
            solid_capstyle="butt",
            clip_on=False,
        )
        axes.plot(own.said, own.right, "o", color=VALIDATION, markersize=5, clip_on=False)
    axes.set(ylim=(0, 1.02), title="share that is right (%)")
    axes.grid(axis="y", color=FAINT)


def _draw_counts(axes: Axes, found: Calibration) -> None:
    """A bar with its number for each bin that holds an image."""
    most = max(own.n for own in found.bins)
    for own in found.filled:
        middle, width = (own.low + own.high) / 2, own.high - own.low
        axes.bar(middle, own.n, 0.92 * width, color="#a0aec0", linewidth=0)
        axes.annotate(
            f"{own.n:,}",
            (middle, own.n),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=QUIET,
        )
    axes.set(ylim=(0, 1.3 * most), title="images", yticks=[])
    axes.spines["left"].set_visible(False)
