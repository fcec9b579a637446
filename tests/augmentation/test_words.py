"""Policies as words: read, written, refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.augmentation.colour import Colour
from striate.augmentation.cutmix import CutMix
from striate.augmentation.erasing import Erasing
from striate.augmentation.flip import Flip
from striate.augmentation.lighting import Components, Lighting
from striate.augmentation.mixup import Mixup
from striate.augmentation.policy import Policy, parse_policy, policy_numbers
from striate.augmentation.randaugment import RandAugment
from striate.augmentation.resized_crop import ResizedCrop
from striate.augmentation.rotation import Rotation
from striate.augmentation.shift import Shift
from striate.augmentation.variation import Variation
from striate.errors import SettingsError, UnknownNameError

COMPONENTS = Components(directions=((0.6, 0.8), (0.8, -0.6)), spreads=(0.3, 0.1))


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("none", ()),
        ("variation", (Variation(),)),
        ("flip,shift,colour,erase", (Flip(), Shift(), Colour(), Erasing())),
        ("shift:4,mixup:0.2", (Shift(4), Mixup(10, 0.2))),
        (" shift : 2 : reflect , flip : vertical = 0.5 ", (Shift(2, "reflect"), Flip(vertical=0.5))),
        ("crop:0.3:size=224,rotation:30:zero", (ResizedCrop(0.3, size=224), Rotation(30, "zero"))),
        ("randaugment:3:magnitude=7.5", (RandAugment(3, 7.5),)),
        ("lighting:0.2,cutmix:probability=0.5", (Lighting(COMPONENTS, 0.2), CutMix(10, probability=0.5))),
    ],
)
def test_words_are_read(text, steps):
    assert parse_policy(text, num_classes=10, components=COMPONENTS) == Policy(steps)


shares = st.floats(0, 1)
STEPS = [
    st.builds(Flip, shares, shares),
    st.builds(Shift, st.integers(0, 20), st.sampled_from(["zero", "reflect", "edge"])),
    st.builds(ResizedCrop, st.floats(0.01, 0.5), st.floats(0.5, 1), st.floats(1, 3), st.none() | st.integers(1, 512)),
    st.builds(Rotation, st.floats(0, 180), st.sampled_from(["edge", "zero"])),
    st.builds(Variation, st.floats(0, 180), shares, st.floats(0, 0.9)),
    st.builds(RandAugment, st.integers(1, 14), st.floats(0, 10)),
    st.builds(Colour, shares, shares, shares, st.floats(0, 0.5)),
    st.builds(Lighting, st.just(COMPONENTS), st.floats(0, 2)),
    st.builds(Erasing, shares, paint=st.sampled_from(["noise", "black", "grey"])),
    st.builds(Mixup, st.just(10), st.floats(0.01, 5), shares),
    st.builds(CutMix, st.just(10), st.floats(0.01, 5), shares),
]


@given(st.lists(st.one_of(STEPS), unique_by=type))
def test_what_is_written_is_read_as_the_same_policy(steps):
    policy = Policy(tuple(steps))
    assert parse_policy(str(policy), num_classes=10, components=COMPONENTS) == policy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flop", "unknown augmentation 'flop'; did you mean flip"),
        ("flip,nun", "unknown augmentation 'nun'; did you mean none"),
        ("", "unknown augmentation ''"),
        ("flip,,shift", "unknown augmentation ''"),
        ("flip:verticle=1", "unknown knob of flip 'verticle'; did you mean vertical"),
        ("mixup:num_classes=3", "unknown knob of mixup 'num_classes'"),
    ],
)
def test_an_unknown_word_is_refused_with_the_nearest(text, said):
    with pytest.raises(UnknownNameError, match=said):
        parse_policy(text, num_classes=10)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("none,flip", "augmentation has 'none' beside other steps; it stands alone"),
        ("shift:far", "shift's pixels is 'far'; expected a whole number"),
        ("shift:2.5", "shift's pixels is '2.5'; expected a whole number"),
        ("rotation:", "rotation's degrees is ''; expected a number"),
        ("rotation:nan", "rotation in degrees is nan; expected a number, 0 to 180"),
        ("shift:border=wrap", "border is 'wrap'; expected zero, reflect, edge"),
        ("shift:2:edge:3", "shift has 3 values; expected at most 2: pixels:border"),
        ("shift:border=edge:2", "shift has the value '2' after a knob with its name; write such values first"),
        ("shift:2:pixels=3", "shift has pixels twice; leave one out"),
        ("flip,shift,flip", "a policy has Flip twice"),
        ("flip:2", "horizontal probability is 2.0; expected a number, 0 to 1"),
        ("mixup", "mixup needs the number of classes; give num_classes, or leave mixup out"),
        ("lighting", "lighting needs the principal components of the training images"),
    ],
)
def test_a_slip_is_refused_in_a_sentence(text, said):
    with pytest.raises(SettingsError, match=said):
        parse_policy(text)


def test_words_can_be_checked_before_the_data_are_known():
    assert policy_numbers("flip:0.5, mixup:alpha=0.4 ,lighting:0.1") == [
        {"name": "flip", "horizontal": 0.5, "vertical": 0.0},
        {"name": "mixup", "alpha": 0.4, "probability": 1.0},
        {"name": "lighting", "sigma": 0.1},
    ]
    with pytest.raises(UnknownNameError, match="'mixip'; did you mean mixup"):
        policy_numbers("mixip")
