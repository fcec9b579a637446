"""torchvision's definitions with random weights, and ours with the same: the same scores of the heads on the way."""

import pytest
import torch

from striate.architectures.catalogue import CATALOGUE, create_model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "peer", "size"), [("googlenet_bn_aux", "googlenet", 96), ("inception_v3_aux", "inception_v3", 299)]
)
def test_auxiliary_scores_are_torchvisions_with_its_weights(torchvision, one_thread, name, peer, size):
    torch.manual_seed(0)
    theirs = torchvision.get_model(peer, weights=None, aux_logits=True, init_weights=False, num_classes=10).eval()
    ours = create_model(name, num_classes=10, size=size).eval()
    tensors, own = theirs.state_dict(), list(ours.state_dict())
    names = CATALOGUE[name].names["torchvision"](own)
    ours.load_state_dict({key: tensors[named] for key, named in zip(own, names, strict=True)})
    ours.training = theirs.training = True  # so that they give all scores, but each layer as in evaluation
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        expected, given = theirs(images), ours(images)
    torch.testing.assert_close(given.scores, expected[0])
    assert len(given.auxiliary) == len(expected) - 1
    for scores, other in zip(given.auxiliary, reversed(expected[1:]), strict=True):
        torch.testing.assert_close(scores, other)
