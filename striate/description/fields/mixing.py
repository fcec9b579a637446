"""Rules of what lets units change each other: value by value, sums, matrix products, attention, normalisation."""

from striate.description.fields.reach import Lost, Reach, joined, mixed, shifted
from striate.description.fields.step import Rule, Step


def unknown(step: Step) -> Reach:
    """No rule: only where every value sees the same is it known what those made of them see."""
    reaches = [step.reach_of(source) for source in step.sources]
    if any(axis.parts for reach in reaches for axis in reach):
        raise Lost
    return joined(reaches)


def value_by_value(step: Step) -> Reach:
    """Each value is made of the values in the same place, after broadcasting."""
    return joined(step.aligned())


def reduced(step: Step) -> Reach:
    """Sum, mean, largest …: the dimensions that it takes are mixed, and gone unless they are kept."""
    rank, dims = step.arguments["self"].dim(), step.arguments.get("dim")
    taken = [dims] if isinstance(dims, int) else dims or range(rank)
    gone = {dim % max(1, rank) for dim in taken}
    reach = mixed(step.reach(), tuple(gone))
    if step.arguments.get("keepdim"):
        return reach
    return tuple(axis.moved(lambda left: left - sum(dim < left for dim in gone)) for axis in reach)


def along(step: Step) -> Reach:
    """Softmax: units along one dimension change each other."""
    return mixed(step.reach(), (step.dim(),))


def product(left: str, right: str) -> Rule:
    """Matrix products: rows come from the left, columns from the right, what is summed over is mixed.

    Where rows and columns both are places of the image, as in the scores of attention, a value is given the span of all
    places of its matrix.
    """

    def rule(step: Step) -> Reach:
        reaches = []
        for source in step.sources:
            reach = step.reach_of(source)
            if source is step.arguments[left]:
                reach = mixed(reach, (source.dim() - 1,))
            if source is step.arguments[right]:
                reach = mixed(reach, (max(0, source.dim() - 2),))
            reaches.append(shifted(reach, step.output.dim() - source.dim()))
        try:
            return joined(reaches)
        except Lost:
            rank = step.output.dim()
            return joined([mixed(reach, (rank - 2, rank - 1)) for reach in reaches])

    return rule


def attention(step: Step) -> Reach:
    """Each query sees every key and value of its sequence."""
    rank = step.output.dim()
    return joined([mixed(step.reach_of(source), (rank - 2, rank - 1)) for source in step.sources])


def layer_normalised(step: Step) -> Reach:
    """The statistics are over the last dimensions."""
    rank = step.arguments["input"].dim()
    return mixed(step.reach("input"), range(rank - len(step.arguments["normalized_shape"]), rank))


def group_normalised(step: Step) -> Reach:
    """The statistics are over all places."""
    return tuple(axis.mixed() for axis in step.reach("input"))


def batch_normalised(step: Step) -> Reach:
    """The statistics come from training, or, for want of it, from all places."""
    return group_normalised(step) if step.arguments.get("training") else step.reach("input")
