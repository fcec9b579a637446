from dataclasses import replace

import pytest
import torch
from torch import nn

from striate.architectures.catalogue import create_model
from striate.errors import SettingsError
from striate.machine.choice import choose


@pytest.fixture
def processor(monkeypatch):
    """Give the machine a processor with these units."""
    return lambda *units: monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(units, True))


def test_until_a_network_is_known_the_format_is_float32():
    assert choose("cpu").number_format == torch.float32


@pytest.mark.parametrize("unit", ["amx_bf16", "avx512_bf16"])
def test_heavy_networks_train_in_bfloat16_where_the_processor_has_units_for_it(processor, unit):
    processor("avx512_f", unit)
    machine = choose("cpu").for_network(create_model("resnet18", num_classes=2), (3, 64, 64))
    assert machine.number_format == torch.bfloat16
    assert machine.reasons.number_format.startswith(unit.split("_")[0].upper())


def test_without_such_units_all_train_in_float32(processor):
    processor("avx2", "avx512_f")
    machine = choose("cpu").for_network(create_model("resnet18", num_classes=2), (3, 64, 64))
    assert machine.number_format == torch.float32
    assert machine.reasons.number_format == "this device multiplies no shorter format faster"


@pytest.mark.parametrize(
    ("name", "shape", "why"),
    [
        ("lenet5", (1, 32, 32), "an image takes 416,520 multiplies, too few"),  # LeCun 1998 by hand: docs
        ("mobilenet_v2", (3, 224, 224), "multiplies for a value"),
    ],
)
def test_light_networks_train_in_float32_and_are_told_why(processor, name, shape, why):
    processor("amx_bf16")
    machine = choose("cpu").for_network(create_model(name, num_classes=10, in_channels=shape[0]), shape)
    assert machine.number_format == torch.float32
    assert why in machine.reasons.number_format


def test_multiplies_and_values_are_counted_as_by_hand(processor):
    """3x3 on 5 maps to 7 of 6x6: 36 x 7 x 45 = 11,340; fully connected, 252 to 10: 2,520."""
    processor("amx_bf16")
    network = nn.Sequential(nn.Conv2d(5, 7, 3), nn.Flatten(), nn.Linear(252, 10))
    assert "13,860 multiplies" in choose("cpu").for_network(network, (5, 8, 8)).reasons.number_format


@pytest.mark.parametrize(("asked", "kind"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_what_was_asked_for_stays(processor, asked, kind):
    processor("amx_bf16")
    machine = choose("cpu", asked)
    assert machine.number_format == kind
    assert machine.for_network(nn.Conv2d(3, 4, 3), (3, 8, 8)) is machine
    assert machine.reasons.number_format == "asked for"


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match="number_format is 'int8'; expected one of auto, float32, bfloat16"):
        choose("cpu", "int8")


def test_counting_leaves_the_network_as_it_was(processor):
    processor("amx_bf16")
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    before = {name: kept.clone() for name, kept in network.state_dict().items()}
    choose("cpu").for_network(network, (3, 8, 8))
    assert network.training
    assert all(torch.equal(kept, before[name]) for name, kept in network.state_dict().items())
    assert not network[0]._forward_hooks


def test_products_are_short_within_autocast_and_weights_stay_float32():
    machine = replace(choose("cpu"), number_format=torch.bfloat16)
    layer, images = nn.Conv2d(3, 4, 3), torch.randn(1, 3, 5, 5)
    machine.place(layer)
    with machine.autocast():
        made = layer(images)
    assert (made.dtype, layer.weight.dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(made.float(), layer(images), rtol=0.02, atol=0.02)
    with choose("cpu", "float32").autocast():
        assert layer(images).dtype == torch.float32
