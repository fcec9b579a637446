import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from striate.architectures.catalogue import create_model
from striate.errors import SettingsError
from striate.training.freezing import Divided, freeze, parse_freeze, set_training


@given(st.integers(1, 99), st.integers(1, 99))
def test_a_number_of_stages_is_read_if_there_are_so_many(number, stages):
    if number < stages:
        assert parse_freeze(f"stages:{number}", stages) == number
    else:
        with pytest.raises(SettingsError, match=f"from 1 to {stages - 1}$"):
            parse_freeze(f"stages:{number}", stages)


@pytest.mark.parametrize("words", ["", "some", "stages", "stages:", "stages:0", "stages:-1", "stages:1.5", "All"])
def test_other_words_are_refused_with_what_is_expected(words):
    with pytest.raises(SettingsError, match="expected all, none, or stages:N with N from 1 to 4"):
        parse_freeze(words, 5)


def test_only_what_is_not_frozen_has_a_gradient_and_its_own_statistics():
    network = create_model("resnet20", num_classes=3)
    freeze(network, 2)
    set_training(network)
    stages = list(network.stages)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network(torch.rand(4, 3, 32, 32)).square().sum().backward()
    assert all(parameter.grad is None for stage in stages[:2] for parameter in stage.parameters())
    learning = [parameter for stage in stages[2:] for parameter in stage.parameters()]
    assert all(parameter.grad is not None for parameter in [*learning, *network.head.parameters()])
    after, frozen = network.state_dict(), [name for name, _ in network.stages.named_children()][:2]
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed  # the running statistics of the stages that learn
    assert not {name for name in changed if name.split(".")[0] in frozen}


def test_dropout_stays_on_where_something_learns():
    network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(), nn.Linear(2, 2)))
    network[0].requires_grad_(False)
    set_training(network)
    assert not network[0].training
    assert network[1][0].training


@pytest.mark.parametrize("name", ["resnet20", "squeezenet1_1", "vgg11_bn", "densenet121", "mobilenet_v2", "lenet5"])
def test_features_and_head_together_are_the_network(name):
    torch.manual_seed(0)
    network = create_model(name, num_classes=3).eval()
    side = 32 if name in ("resnet20", "lenet5") else 224
    images = torch.rand(2, 1 if name == "lenet5" else 3, side, side)
    divided = Divided(network)
    with torch.no_grad():
        torch.testing.assert_close(divided.head.eval()(divided.features(images)), network(images))
    first = next(divided.head.children())
    assert isinstance(first, nn.Dropout) or any(True for _ in first.parameters())
    theirs = {f"head.{key}" for key in divided.head.state_dict()}
    assert theirs <= network.state_dict().keys()


def test_a_head_that_has_learnt_goes_back_under_its_names():
    network = create_model("resnet20", num_classes=3)
    divided = Divided(network)
    other = Divided(create_model("resnet20", num_classes=3)).head
    whole = divided.whole(other)
    assert whole.keys() == network.state_dict().keys()
    for key, tensor in other.state_dict().items():
        assert torch.equal(whole[f"head.{key}"], tensor)
