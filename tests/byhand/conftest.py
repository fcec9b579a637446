"""The oracle of the layers by hand: torch's own forward, and autograd."""

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _alone(one_thread):
    """Every test here runs on one thread."""


@pytest.fixture(scope="session")
def same():
    """Equal to a billionth of the largest number."""

    def compare(ours, oracle, place="value"):
        oracle = oracle.detach().numpy() if isinstance(oracle, torch.Tensor) else np.asarray(oracle)
        assert np.shape(ours) == oracle.shape, place
        scale = np.abs(oracle).max(initial=1e-3)
        np.testing.assert_allclose(ours, oracle, rtol=1e-9, atol=1e-9 * scale, err_msg=place)

    return compare


@pytest.fixture(scope="session")
def agree(same):
    """Whether an operation has torch's value, and autograd's gradient by every input, of Σ G ⊗ y for a random G.

    Inputs are arrays, or shapes to be filled with normal numbers; integers have no gradient.
    """

    def compare(operation, reference, *inputs):
        arrays = [normal(x, seed) if isinstance(x, tuple) else x for seed, x in enumerate(inputs)]
        leaves = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
        expected = reference(*leaves)
        same(operation.forward(*arrays), expected)
        G = normal(tuple(expected.shape), len(arrays))
        floats = [leaf for leaf in leaves if leaf.requires_grad]
        by_torch = iter(torch.autograd.grad(expected, floats, torch.tensor(G), allow_unused=True))
        wanted = [next(by_torch) if leaf.requires_grad else None for leaf in leaves]
        gradients = operation.backward(G)
        assert len(gradients) >= len(wanted)
        for place, (gradient, oracle) in enumerate(zip(gradients, wanted, strict=False)):
            assert (gradient is None) == (oracle is None), f"gradient {place}"
            if oracle is not None:
                same(gradient, oracle, f"gradient {place}")

    return compare


def normal(shape, seed):
    return np.random.default_rng((seed, *shape)).normal(size=shape)
