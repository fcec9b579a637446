"""The peers' definitions with random weights, and ours with the same: the same scores."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from striate.architectures.catalogue import CATALOGUE, create_model
from tests.peers.counterparts import COUNTERPARTS

PAIRS = [
    pytest.param(ours, theirs, id=f"{ours}-{theirs.library}") for ours, all_ in COUNTERPARTS.items() for theirs in all_
]


@pytest.fixture
def peer(torchvision, timm):
    def build(counterpart, **options):
        options = {**options, **counterpart.options}
        if counterpart.library == "timm":
            return timm.create_model(counterpart.name, **options)
        return torchvision.get_model(counterpart.name, weights=None, **options)

    return build


def trained_a_little(network, size):
    """The network with scales and shifts as of a training, and the statistics of a batch."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.momentum = None  # the average of all that is seen
        if norm.affine:
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, 0, 0.1)
    with torch.no_grad():
        network.train()(torch.randn(4, 3, size, size))
    return network.eval()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "counterpart"), PAIRS)
def test_the_scores_are_those_of_the_peer_with_the_same_weights(peer, one_thread, tmp_path, name, counterpart):
    torch.manual_seed(0)
    theirs = trained_a_little(peer(counterpart, num_classes=10), counterpart.size)
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    ours = create_model(name, num_classes=10, size=counterpart.size, weights=tmp_path / "theirs.pth").eval()
    assert set(CATALOGUE[name].names[counterpart.dialect](list(ours.state_dict()))) == set(theirs.state_dict())
    assert ours.loaded.left_out == ()
    images = torch.randn(2, 3, counterpart.size, counterpart.size)
    with torch.no_grad():
        expected, given = theirs(images), ours(images)
    assert expected.std() > 0
    assert (given - expected).abs().max() <= 1e-4 * expected.abs().max()
