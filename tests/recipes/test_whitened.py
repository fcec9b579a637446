"""A network with a layer that whitens is given its filters before the first step, and they stay."""

import numpy as np
import torch

import striate


def test_the_first_filters_make_the_patches_white_and_stay_so(photos, tmp_path):
    """By NumPy: what they give of all 2×2 patches has, direction by direction, a second moment of about 1."""
    run = striate.train(
        photos, model="airbench94_w16", size=32, epochs=1, batch_size=8, recipe="fast", out=tmp_path / "run", quiet=True
    )
    dataset = striate.open_dataset(run.folder / "split.csv")
    geometry = run.model.preparation.geometry
    images = np.stack([geometry.prepare(dataset.source(int(place)))[0] for place in dataset.members("train")])
    prepared = run.model.preparation.normalise(torch.from_numpy(images)).double().numpy()
    patches = np.stack([prepared[:, :, y : y + 31, x : x + 31] for y in (0, 1) for x in (0, 1)], axis=2)
    filters = _first(run)
    count = len(filters) // 2
    answers = np.einsum("fd,ndyx->fnyx", filters[:count], patches.reshape(len(images), -1, 31, 31))
    moments = (answers**2).mean(axis=(1, 2, 3))
    spread = np.linalg.eigvalsh(_moment(patches.reshape(len(images), -1, 31, 31)))[::-1]
    np.testing.assert_allclose(moments, spread / (spread + 5e-4), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(filters[count:], -filters[:count])


def _first(run):
    """The filters (2D, D) of the first layer, in the order of channels, rows, columns."""
    weight = next(tensor for tensor in run.model.checkpoint.weights.values() if tensor.shape[2:] == (2, 2))
    return weight.flatten(1).double().numpy()


def _moment(patches):
    flat = patches.transpose(0, 2, 3, 1).reshape(-1, patches.shape[1])
    return flat.T @ flat / len(flat)
