"""Rules of what lets units change each other: value by value, sums, matrix products, attention, normalisation."""

from striate.description.fields.reach import Lost, Reach, joined, mixed, shifted
from striate.description.fields.step import Rule, Step


def unknown(_step: Step) -> Reach:
    """No rule."""
    raise Lost


def value_by_value(step: Step) -> Reach:
    """Each value is made of the values in the same place, after broadcasting."""
    return joined(step.aligned())


def reduced(step: Step) -> Reach:
    """Sum, mean, largest …: the dimensions that it takes are mixed, and gone unless they are kept."""
    rank, dims = step.arguments["self"].dim(), step.arguments.get("dim")
    taken = [dims] if isinstance(dims, int) else dims or range(rank)
    gone = {dim % rank for dim in taken}
    reach = mixed(step.reach(), tuple(gone))
    if step.arguments.get("keepdim"):
        return reach
    return tuple(
        axis if axis.dim is None else axis.at(axis.dim - sum(dim < axis.dim for dim in gone)) for axis in reach
    )


def along(step: Step) -> Reach:
    """Softmax and the like: units along one dimension change each other."""
    return mixed(step.reach(), (step.dim(),))


def product(left: str, right: str) -> Rule:
    """Matrix products: rows come from the left, columns from the right, what is summed over is mixed.

    Where both come from places of the image, as the scores of attention, a value is given the span of all places.
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
            return joined([tuple(axis.mixed() for axis in reach) for reach in reaches])

    return rule


def attention(step: Step) -> Reach:
    """Each query sees every key and value."""
    rank = step.output.dim()
    return joined(
        [
            mixed(step.reach_of(source), (rank - 1,) if source is step.arguments["query"] else (rank - 2, rank - 1))
            for source in step.sources
        ]
    )


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
