"""Receptive fields against torch itself: one bright value at a time goes through the layers; where does it arrive?

A line with a single 1, at each place in turn, runs through a random chain of real operations; unit i sees input n if
the n-th line is not zero there. Near the ends padding and cropping cut what a unit sees: only units that see the middle
are compared.
"""

from fractions import Fraction
from functools import reduce

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as some
from torch.nn import functional

from striate.arithmetic.fields import Field

LENGTH = 144  # values of the line
MIDDLE = range(LENGTH // 3, 2 * LENGTH // 3)


def ones(size):
    return torch.ones(1, 1, size, dtype=torch.float64)


def even(lines):
    return lines[..., : lines.shape[2] - lines.shape[2] % 2]


def window(size, stride, padding, dilation):
    how = {"stride": stride, "padding": padding, "dilation": dilation}
    return (
        f"window {size}, {how}",
        lambda lines: functional.conv1d(lines, ones(size), **how),
        lambda field, _: field.window(size, **how),
    )


def transposed(size, stride, padding, dilation):
    how = {"stride": stride, "padding": min(padding, dilation * (size - 1)), "dilation": dilation}
    return (
        f"transposed {size}, {how}",
        lambda lines: functional.conv_transpose1d(lines, ones(size), **how),
        lambda field, _: field.transposed(size, **how),
    )


def nearest(times, centred):
    mode = "nearest-exact" if centred else "nearest"
    return (
        f"{mode}, times {times}",
        lambda lines: functional.interpolate(lines, scale_factor=float(times), mode=mode),
        lambda field, _: field.nearest(1 / times, centred=centred),
    )


def linear(times):
    return (
        f"linear, times {times}",
        lambda lines: functional.interpolate(lines, scale_factor=float(times), mode="linear"),
        lambda field, _: field.interpolated(1 / times),
    )


def aligned():
    """Corners aligned, so that units fall on the old ones and half-way between them."""
    return (
        "linear, corners aligned",
        lambda lines: functional.interpolate(lines, size=2 * lines.shape[2] - 1, mode="linear", align_corners=True),
        lambda field, _: field.interpolated(Fraction(1, 2), aligned=True),
    )


def cubic(times):
    return (
        f"cubic, times {times}",
        lambda lines: functional.interpolate(lines[:, None], scale_factor=(1.0, float(times)), mode="bicubic")[:, 0],
        lambda field, _: field.interpolated(1 / times, taps=4),
    )


def blocks(part):
    return (
        f"blocks, {part} as many",
        lambda lines: functional.adaptive_avg_pool1d(lines, int(lines.shape[2] * part)),
        lambda field, units: field.blocks(units, int(units * part)),
    )


sizes, strides, paddings, dilations = some.integers(1, 3), some.integers(1, 2), some.integers(0, 2), some.integers(1, 2)
enlargements = some.sampled_from([Fraction(2), Fraction(4)])  # times 3 would round in torch
LAYERS = some.one_of(
    some.builds(window, sizes, strides, paddings, dilations),
    some.builds(transposed, sizes, some.integers(1, 3), paddings, dilations),
    some.builds(nearest, some.sampled_from([Fraction(2), Fraction(4), Fraction(1, 2)]), some.booleans()),
    some.builds(linear, enlargements),
    some.builds(aligned),
    some.builds(cubic, enlargements),
    some.builds(blocks, some.sampled_from([Fraction(1, 2), Fraction(1, 3), Fraction(2, 3)])),
)


def through(chain, lines, field):
    """The lines and the field behind the layers; lines hold a 1 wherever anything arrives."""
    for _, operation, moved in chain:
        lines = even(lines)
        field = moved(field, lines.shape[2])
        lines = (operation(lines).abs() > 1e-6).double()
    return lines, field


def spans_seen(lines):
    """For each unit the first and last input that arrives, or None."""
    seen = lines[:, 0] > 0  # (inputs, units)
    first = seen.int().argmax(dim=0)
    last = LENGTH - 1 - seen.int().flip(0).argmax(dim=0)
    spans = zip(first.tolist(), last.tolist(), strict=True)
    return [span if any_ else None for span, any_ in zip(spans, seen.any(dim=0).tolist(), strict=True)]


def compare(field, lines):
    """Every unit from the first to the last that sees the middle only; how many they were."""
    seen = spans_seen(lines)
    inside = [unit for unit, span in enumerate(seen) if span and span[0] in MIDDLE and span[1] in MIDDLE]
    between = range(inside[0], inside[-1] + 1) if inside else range(0)
    assert {unit: field.span(unit) for unit in between} == {unit: seen[unit] for unit in between}
    return len(between)


def pictures():
    return torch.eye(LENGTH, dtype=torch.float64)[:, None]  # (inputs, 1, units)


@settings(max_examples=120)
@given(some.lists(LAYERS, max_size=4))
@example([transposed(1, 3, 0, 1), window(2, 1, 0, 1)])  # units that see nothing, between units that do
@example([nearest(Fraction(2), True), window(3, 2, 1, 1), transposed(3, 2, 1, 2)])
@example([blocks(Fraction(2, 3)), linear(Fraction(2)), window(3, 2, 1, 1)])
def test_a_unit_sees_the_inputs_that_arrive_at_it_in_torch(chain):
    lines, field = through(chain, pictures(), Field())
    compare(field, lines)


BRANCHES = some.lists(some.builds(window, sizes, some.just(1), paddings, dilations), max_size=2)
DOUBLED = some.one_of(
    some.builds(transposed, sizes, some.just(2), paddings, dilations),
    some.builds(nearest, some.just(Fraction(2)), some.booleans()),
    some.just(linear(Fraction(2))),
)


@settings(max_examples=60)
@given(some.lists(LAYERS, max_size=2), BRANCHES, BRANCHES, some.none() | some.tuples(DOUBLED, DOUBLED))
def test_where_branches_meet_a_unit_sees_what_either_sees(stem, one, other, doubled):
    stemmed, field = through(stem, pictures(), Field())
    branches = [(*branch, *([doubled[number]] if doubled else [])) for number, branch in enumerate((one, other))]
    (left, left_field), (right, right_field) = (through(branch, stemmed, field) for branch in branches)
    units = min(left.shape[2], right.shape[2])
    union = left_field.union(right_field)
    assert union == right_field.union(left_field)
    compare(union, left[..., :units] + right[..., :units])


def test_the_comparison_does_look_at_many_units():
    chain = [window(3, 2, 1, 1), nearest(Fraction(2), False), window(3, 1, 1, 2)]
    lines, field = through(chain, pictures(), Field())
    assert compare(field, lines) >= 40
    with pytest.raises(AssertionError):
        compare(field.window(3, padding=1), lines)
    with pytest.raises(AssertionError):
        compare(field.window(1, padding=1), lines)


def test_branches_that_repeat_after_two_and_after_three_units_repeat_together_after_six():
    two = Field().nearest(Fraction(2, 3)).nearest(Fraction(3, 2))
    three = Field().nearest(Fraction(3, 2)).nearest(Fraction(2, 3))
    # by hand: of 0 0 1 2 2 3 4 4 5 … the units 0 1 3 4 6 7 …; of 0 1 3 4 6 7 … the units 0 0 1 2 2 3 …
    assert [two.span(unit)[0] for unit in range(6)] == [0, 0, 2, 2, 4, 4]
    assert [three.span(unit)[0] for unit in range(6)] == [0, 0, 1, 3, 3, 4]
    union = two.union(three)
    assert (len(two.spans), len(three.spans), len(union.spans)) == (2, 3, 6)
    assert [union.span(unit) for unit in range(6)] == [(0, 0), (0, 0), (1, 2), (2, 3), (3, 4), (4, 4)]


def test_branches_whose_units_lie_apart_differently_do_not_meet():
    assert Field().window(3, stride=2).union(Field().window(3)) is None
    assert Field().union(Field().nearest(Fraction(1, 2))) is None


def test_the_same_branch_twice_sees_no_more():
    field = Field().window(5, stride=2).transposed(3, stride=3)
    assert field.union(field) == field


@pytest.mark.parametrize("layers", [1, 2, 3, 10])
def test_a_stack_of_three_by_threes_sees_one_more_on_each_side_for_every_layer(layers):
    stack = reduce(lambda field, _: field.window(3, padding=1), range(layers), Field())
    assert (stack.size, stack.stride, stack.offset) == (1 + 2 * layers, 1, -layers)


def test_a_five_after_a_five_sees_nine():
    assert Field().window(5).window(5).size == 9


@given(some.lists(some.tuples(some.integers(1, 7), some.integers(1, 4), some.integers(0, 3), some.integers(1, 3))))
def test_a_chain_of_windows_has_the_size_stride_and_offset_of_the_known_formulas(chain):
    field, size, stride, offset = Field(), 1, 1, 0  # Araujo, Norris, Sim 2019, equations 1 to 3
    for kernel, step, padding, dilation in chain:
        field = field.window(kernel, stride=step, padding=padding, dilation=dilation)
        size, offset = size + dilation * (kernel - 1) * stride, offset - padding * stride
        stride *= step
    assert (field.size, field.stride, field.offset, len(field.spans)) == (size, stride, offset, 1)


def test_layers_dilated_by_1_2_and_4_see_15_with_the_weights_of_three_layers():
    field = Field()
    for dilation in (1, 2, 4):
        field = field.window(3, padding=dilation, dilation=dilation)
    assert (field.size, field.offset) == (15, -7)


def test_pooling_makes_the_layers_behind_it_see_twice_as_far():
    plain, pooled = Field().window(3).window(3), Field().window(3).window(2, stride=2).window(3)
    assert (plain.size, pooled.size, pooled.stride) == (5, 8, 2)


def test_a_bed_of_nails_has_units_that_see_nothing():
    nails = Field().transposed(1, stride=2)
    assert [nails.span(unit) for unit in range(4)] == [(0, 0), None, (1, 1), None]
    assert (nails.size, nails.stride, nails.offset) == (1, Fraction(1, 2), 0)
    assert not nails.covers(2, 1)


def test_where_a_unit_that_sees_nothing_comes_first_the_offset_is_zero():
    assert Field().transposed(1, stride=2, padding=1).offset == 0
    assert Field().transposed(1, stride=2, padding=1).span(1) == (1, 1)


def test_enlarging_by_nearest_and_pooling_again_is_nothing_at_all():
    assert Field().nearest(Fraction(1, 3)).window(3, stride=3) == Field()


def test_all_units_together_see_from_the_first_to_the_last():
    whole = Field().window(3, stride=2, padding=1).whole(4)
    assert [whole.span(unit) for unit in (0, 9)] == [(-1, 7), (-1, 7)]
    assert (whole.size, whole.stride) == (9, 0)


@pytest.mark.parametrize(("length", "covered"), [(6, True), (7, True), (8, False)])
def test_units_cover_a_line_if_each_sees_all_of_it(length, covered):
    assert Field().window(7).covers(1, length) is covered


def test_every_unit_counts_for_what_is_covered():
    field = Field().window(7, padding=3)  # of 4 values unit 0 sees 3 to the right of itself, unit 3 to the left
    assert field.covers(4, 4)
    assert not field.covers(5, 5)
    assert field.covers(0, 100)
