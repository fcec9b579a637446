import torch
from torch import nn

from striate.architectures.catalogue import create_model
from striate.explain.saliency import saliency


def test_the_saliency_of_a_linear_network_is_its_weights():
    network = create_model("linear", num_classes=4, size=5)
    images, targets = torch.randn(6, 3, 5, 5), torch.tensor([0, 1, 2, 3, 3, 0])
    expected = network.head.score.weight.detach().view(4, 3, 5, 5)[targets].abs().amax(1)
    torch.testing.assert_close(saliency(network, images, targets), expected)


def test_saliency_is_the_slope_that_central_differences_find():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 4)).double()
    images, targets, step = torch.randn(2, 2, 6, 6).double(), torch.tensor([1, 3]), 1e-5
    slopes = torch.zeros_like(images)
    with torch.no_grad():
        for place in range(images[0].numel()):
            nudge = torch.zeros_like(images).flatten(1)
            nudge[:, place] = step
            above, below = network(images + nudge.view_as(images)), network(images - nudge.view_as(images))
            slopes.flatten(1)[:, place] = ((above - below) / (2 * step))[torch.arange(2), targets]
    torch.testing.assert_close(saliency(network, images, targets), slopes.abs().amax(1), rtol=0, atol=1e-8)


def test_a_pixel_that_the_network_does_not_see_has_no_saliency():
    network = nn.Sequential(nn.Conv2d(1, 1, 3, stride=4), nn.Flatten())  # windows at rows and columns 0–2 and 4–6
    heat = saliency(network, torch.randn(1, 1, 8, 8), torch.tensor([0]))[0]
    assert (heat[:3, :3] > 0).all()
    assert not heat[3:].any() and not heat[:, 3:].any()


def test_looking_leaves_network_and_images_as_they_were():
    network, images = create_model("lenet5"), torch.randn(2, 1, 32, 32)
    before = images.clone()
    heat = saliency(network, images, torch.tensor([0, 1]))
    assert heat.shape == (2, 32, 32)
    assert (heat >= 0).all() and not heat.requires_grad
    assert torch.equal(images, before) and not images.requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())
