"""The rule of compound scaling against Tan & Le 2019, and groups for width against Xie et al. 2016."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.arithmetic.scaling import (
    ALPHA,
    BETA,
    GAMMA,
    bottleneck_weights,
    bottleneck_width,
    compound,
    rounded_channels,
    rounded_repeats,
    rounded_side,
)

# of B0 to B7 in the authors' code: width, depth, stem, last maps, blocks in the rows of Table 1
PUBLISHED = {
    "b0": (1.0, 1.0, 32, 1280, (1, 2, 2, 3, 3, 4, 1)),
    "b1": (1.0, 1.1, 32, 1280, (2, 3, 3, 4, 4, 5, 2)),
    "b2": (1.1, 1.2, 32, 1408, (2, 3, 3, 4, 4, 5, 2)),
    "b3": (1.2, 1.4, 40, 1536, (2, 3, 3, 5, 5, 6, 2)),
    "b4": (1.4, 1.8, 48, 1792, (2, 4, 4, 6, 6, 8, 2)),
    "b5": (1.6, 2.2, 48, 2048, (3, 5, 5, 7, 7, 9, 3)),
    "b6": (1.8, 2.6, 56, 2304, (3, 6, 6, 8, 8, 11, 3)),
    "b7": (2.0, 3.1, 64, 2560, (4, 7, 7, 10, 10, 13, 4)),
}


def test_one_step_about_doubles_the_multiplies():
    assert (ALPHA, BETA, GAMMA) == (1.2, 1.1, 1.15)
    assert compound(1).multiplies == pytest.approx(1.2 * 1.1**2 * 1.15**2)
    assert compound(1).multiplies == pytest.approx(2, rel=0.05)


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_steps_add_where_factors_multiply(first, second):
    both = [one * other for one, other in zip(compound(first), compound(second), strict=True)]
    assert compound(first + second) == pytest.approx(both)
    assert compound(first + second).multiplies == pytest.approx(
        compound(first).multiplies * compound(second).multiplies
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_channels_and_blocks_are_rounded_as_in_the_published_networks(name):
    width, depth, stem, last, blocks = PUBLISHED[name]
    assert (rounded_channels(32 * width), rounded_channels(1280 * width)) == (stem, last)
    assert tuple(rounded_repeats(depth * repeats) for repeats in (1, 2, 2, 3, 3, 4, 1)) == blocks


@given(st.floats(0.1, 10_000), st.sampled_from([1, 4, 8, 16]))
def test_channels_come_in_steps_and_never_lose_more_than_a_tenth(channels, step):
    rounded = rounded_channels(channels, step)
    assert rounded % step == 0
    assert rounded >= 0.9 * channels
    assert rounded - channels < step


@given(st.floats(1, 5_000), st.floats(1, 5_000))
def test_more_channels_are_never_rounded_to_fewer(one, other):
    assert rounded_channels(min(one, other)) <= rounded_channels(max(one, other))


@pytest.mark.parametrize(("side", "rounded"), [(240.2, 240), (257.6, 256), (301.9, 300), (379, 380)])
def test_sides_divide_by_4_as_the_published_ones_do(side, rounded):
    assert rounded_side(side) == rounded
    assert all(rounded_side(published) == published for published in (224, 240, 260, 300, 380, 456, 528, 600))


def test_blocks_of_resnext_weigh_about_what_resnets_does():
    """Xie et al., section 3.3 and Table 2: "~70k" for each pair of cardinality and width."""
    pairs = {1: 64, 2: 40, 4: 24, 8: 14, 32: 4}
    assert {cardinality: bottleneck_width(cardinality) for cardinality in pairs} == pairs
    weights = [bottleneck_weights(cardinality, width) for cardinality, width in pairs.items()]
    assert weights[0] == 256 * 64 + 3 * 3 * 64 * 64 + 64 * 256
    assert weights == pytest.approx([70_000] * 5, rel=0.03)
