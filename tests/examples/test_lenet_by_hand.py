import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import striate

EXAMPLE = Path(__file__).parents[2] / "examples" / "lenet_by_hand.py"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the example for so many epochs, or as it is by itself; what it then holds, by name."""

    def run(*epochs):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *epochs])
        return runpy.run_path(str(EXAMPLE))

    return run


def test_one_step_by_hand_has_the_loss_and_every_gradient_of_torch(run):
    example, network = run("0"), striate.create_model("lenet5", num_classes=10, in_channels=1).double()
    torchs = {name.split(".", 1)[1]: parameter for name, parameter in network.named_parameters()}  # without the stage
    weights = {name: parameter.detach().numpy().copy() for name, parameter in torchs.items()}
    assert weights.keys() == example["weights"].keys()
    images, labels = example["large"][:16] / 255, example["label"][:16]

    loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(images)), torch.from_numpy(labels))
    loss.backward()
    by_hand = example["network"].run(image=images, label=labels, **weights)
    gradients = example["network"].gradients()
    example["descent"].step(weights, gradients)
    torch.optim.SGD(network.parameters(), lr=example["descent"].rate, momentum=0.9).step()

    np.testing.assert_allclose(by_hand, loss.item(), rtol=1e-12)
    for name, parameter in torchs.items():
        np.testing.assert_allclose(gradients[name], parameter.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(weights[name], parameter.detach().numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.slow
def test_lenet_by_hand_reads_97_of_100_digits_that_it_was_not_taught(run):
    example = run()
    taught, asked = set(example["train"]), set(example["test"])
    assert len(asked) == 359
    assert not taught & asked
    assert 1 - len(example["wrong"]) / len(asked) >= 0.97
