"""Proposals for a budget: counted by torch, within the budget and near it, along the rule."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import striate
from striate.arithmetic.scaling import compound
from striate.description.scaling import scale
from striate.errors import PatternError, SettingsError, UnknownNameError

OWN = 385_814_752  # of B0, as torchvision's 0.386 billion


@pytest.fixture(scope="module")
def proposal(one_thread):
    return scale("efficientnet_b0", "1G")


def test_the_network_of_the_name_multiplies_as_often_as_proposed(proposal):
    with torch.device("meta"):
        network = striate.create_model(proposal.name, size=proposal.size).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, proposal.size, proposal.size, device="meta"))
    assert counter.get_total_flops() // 2 == proposal.multiplies == proposal.card.multiplies
    assert sum(parameter.numel() for parameter in network.parameters()) == proposal.parameters


def test_it_comes_near_to_its_budget_from_below(proposal):
    assert 0.95 * 10**9 < proposal.multiplies <= proposal.budget == 10**9


def test_the_three_grow_together_nearly_as_the_rule_has_them(proposal):
    assert max(proposal.phi) - min(proposal.phi) < 0.5
    for way, phi in enumerate(proposal.phi):
        assert proposal.factors[way] == pytest.approx(compound(phi)[way], abs=0.01)
    assert proposal.size == round(224 * proposal.factors.resolution)
    assert proposal.name == f"efficientnet_d{proposal.factors.depth:g}_w{proposal.factors.width:g}"
    assert proposal.rule == round(OWN * proposal.factors.multiplies)


def test_it_says_how_to_build_and_train_the_network(proposal):
    build, train = proposal.sentences()[-2:]
    assert build == f'Build it: striate.create_model("{proposal.name}", size={proposal.size})'
    assert train.endswith(f"--model {proposal.name} --size {proposal.size}")


@pytest.mark.slow
@pytest.mark.parametrize("base", ["efficientnet_b0", "efficientnet_b1", "efficientnet_b3"])
@pytest.mark.parametrize("budget", ["2G", "3G", "5G", "8G", "20G"])
def test_other_budgets_are_used_up_to_a_twentieth(base, budget):
    found = scale(base, budget)
    assert 0.95 * found.budget < found.multiplies <= found.budget
    assert max(found.phi) - min(found.phi) < 1.5


def test_what_the_network_takes_already_is_enough(one_thread):
    found = scale("efficientnet_b0", OWN)
    assert (found.name, found.size, found.multiplies) == ("efficientnet_d1_w1", 224, OWN)


@pytest.mark.parametrize(
    ("name", "budget", "said"),
    [
        ("resnet50", "2G", "resnet50 has no rule to be scaled by; these have one: efficientnet_b0, efficientnet_b1"),
        ("efficientnet_d1.4_w1.2", "2G", "has no rule to be scaled by"),
        ("INPUT 3x8x8 -> FC 5", "2G", "has no rule to be scaled by"),
        (
            "efficientnet_b0",
            "300M",
            "budget is 300,000,000; expected from 385,814,752 multiplies, those of efficientnet",
        ),
        ("efficientnet_b0", "2T", "to 1,000,000,000,000"),
        ("efficientnet_b0", OWN - 1, "expected from 385,814,752 multiplies"),
        ("efficientnet_b0", True, "'True' is no count"),
        ("efficientnet_b0", "2GB", "'2GB' is no count; expected a number with K, M, G or T, as 2G or 500M"),
        ("efficientnet_b0", "much", "'much' is no count"),
        ("efficientnet_b0", "", "'' is no count"),
        ("efficientnet_b0", "-2G", "'-2G' is -2e+09; expected 1 or more"),
        ("efficientnet_b0", "nan", "'nan' is nan; expected 1 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(name, budget, said):
    with pytest.raises(SettingsError) as refused:
        scale(name, budget)
    assert said in str(refused.value)


def test_a_network_that_does_not_exist_is_refused_as_anywhere():
    with pytest.raises(UnknownNameError, match="did you mean efficientnet_b"):
        scale("efficientnet_b8", "2G")
    with pytest.raises(PatternError):
        scale("INPUT -> ", "2G")
