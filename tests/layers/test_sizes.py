"""Sizes that are one number or two."""

import pytest

from striate.errors import SettingsError
from striate.layers.sizes import pair


@pytest.mark.parametrize(("value", "both"), [(3, (3, 3)), ((2, 5), (2, 5)), ([2, 5], (2, 5))])
def test_one_number_serves_both_axes(value, both):
    assert pair("stride", value) == both


@pytest.mark.parametrize("value", [0, -1, 2.0, "3", None, (), (3,), (1, 2, 3), (1, 0), (1, 2.5)])
def test_anything_else_is_refused_by_the_name_of_the_setting(value):
    with pytest.raises(SettingsError) as refused:
        pair("stride", value)
    wanted = "a whole number from 1 on, or two of them, for height and for width"
    assert str(refused.value) == f"stride is {value!r}; expected {wanted}"


def test_padding_may_be_none_at_all():
    assert pair("padding", 0, least=0) == (0, 0)
