import numpy as np
import pytest
import torch

from striate.explain.features import features
from striate.explain.neighbours import Index


@pytest.fixture(scope="module")
def vectors():
    random = np.random.default_rng(0)
    centres = random.normal(size=(50, 64))
    return (centres[random.integers(0, 50, 20_000)] + random.normal(size=(20_000, 64))).astype(np.float32)


@pytest.mark.parametrize("queries", [1, 64, 1500])
def test_the_nearest_are_those_of_faiss(vectors, queries):
    faiss = pytest.importorskip("faiss", reason="faiss is not installed: pip install '.[peers]'")
    index = Index.of(torch.from_numpy(vectors))
    flat = faiss.IndexFlatIP(64)
    flat.add(index.vectors.numpy())
    asked = index.vectors[:queries].numpy()
    cosines, rows = index.nearest(torch.from_numpy(asked), 10)
    expected, theirs = flat.search(asked, 10)
    np.testing.assert_allclose(cosines, expected, atol=2e-6)
    differ = rows.numpy() != theirs  # only where the last bit of a sum decides
    assert differ.mean() < 1e-3 and (np.abs(cosines.numpy() - expected)[differ] < 2e-6).all()


def test_nearly_all_of_the_nearest_are_found_by_the_graph(vectors):
    pytest.importorskip("usearch", reason="usearch is not installed: pip install 'striate[neighbours]'")
    index = Index.of(torch.from_numpy(vectors[:3000]))
    _, exact = index.nearest(torch.from_numpy(vectors[:100]), 10)
    cosines, nearly = index.nearly_nearest(torch.from_numpy(vectors[:100]), 10)
    found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.tolist(), nearly.tolist(), strict=True)])
    assert found > 0.95
    assert (cosines.diff(dim=1) <= 0).all()


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "alexnet"])
def test_features_are_what_torchvisions_own_classifier_is_given(torchvision, name):
    network, images = getattr(torchvision, name)().eval(), torch.randn(2, 3, 224, 224)
    heard = []
    [module for module in network.modules() if isinstance(module, torch.nn.Linear)][-1].register_forward_pre_hook(
        lambda _, inputs: heard.append(inputs[0])
    )
    with torch.no_grad():
        network(images)
    torch.testing.assert_close(features(network, images), heard[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "convnext_atto", "vit_tiny_patch16_224"])
def test_features_are_timms_before_the_scores(timm, name):
    network, images = timm.create_model(name).eval(), torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        expected = network.forward_head(network.forward_features(images), pre_logits=True)
    torch.testing.assert_close(features(network, images), expected, rtol=1e-3, atol=1e-4)
