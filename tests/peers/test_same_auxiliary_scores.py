"""torchvision's definitions with random weights, and ours with the same: the same scores, on the images they expect.

Released weights of both were trained on values from -1 to 1; torchvision's definitions make them of images that are
normalised by ImageNet's mean and spread, as for its other networks, if told so (transform_input).
"""

import pytest
import torch

from striate.architectures.architecture import IMAGENET
from striate.architectures.catalogue import CATALOGUE, create_model


def alike(torchvision, name, size, **options):
    """torchvision's network and ours, with the same weights, those that ours starts with."""
    torch.manual_seed(0)
    ours = create_model(name, num_classes=10, size=size).eval()
    options |= {"aux_logits": name.endswith("_aux"), "weights": None, "init_weights": False, "num_classes": 10}
    theirs = torchvision.get_model(name.removesuffix("_aux").removesuffix("_bn"), **options).eval()
    tensors = ours.state_dict()
    names = CATALOGUE[name].names["torchvision"](list(tensors))
    theirs.load_state_dict(dict(zip(names, tensors.values(), strict=True)))
    return theirs, ours


def normalised(images, mean, std):
    return (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("googlenet_bn", 96), ("inception_v3", 96)])
def test_torchvisions_transformed_input_is_images_normalised_as_the_catalogue_says(torchvision, one_thread, name, size):
    theirs, ours = alike(torchvision, name, size, transform_input=True)
    images, entry = torch.rand(2, 3, size, size), CATALOGUE[name]
    with torch.no_grad():
        expected = theirs(normalised(images, *IMAGENET))
        given, other = ours(normalised(images, entry.mean, entry.std)), ours(normalised(images, *IMAGENET))
    torch.testing.assert_close(given, expected)
    assert (other - expected).abs().max() > 0.01 * expected.abs().max()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v2", "nasnetalarge"])
def test_images_are_normalised_as_for_timms_weights(timm, name):
    published, entry = timm.get_pretrained_cfg(name), CATALOGUE[name]
    assert (entry.mean, entry.std) == (published.mean, published.std)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("googlenet_bn_aux", 96), ("inception_v3_aux", 299)])
def test_auxiliary_scores_are_torchvisions_with_its_weights(torchvision, one_thread, name, size):
    theirs, ours = alike(torchvision, name, size)
    ours.training = theirs.training = True  # so that they give all scores, but each layer as in evaluation
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        expected, given = theirs(images), ours(images)
    torch.testing.assert_close(given.scores, expected[0])
    assert len(given.auxiliary) == len(expected) - 1
    for scores, other in zip(given.auxiliary, reversed(expected[1:]), strict=True):
        torch.testing.assert_close(scores, other)
