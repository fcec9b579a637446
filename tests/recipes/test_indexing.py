import json

import numpy as np
import pytest
import torch
from PIL import Image

import striate
from striate.checkpoints.model_file import load_checkpoint
from striate.errors import DataError, ModelFileError, SettingsError
from striate.recipes.index_file import read_index
from striate.recipes.indexing import index_images
from striate.recipes.similar import measure_similar, similar_images


@pytest.fixture
def folder(tmp_path):
    """Two classes of noise around a dark and a bright grey, and a file that is no image."""
    random = np.random.default_rng(0)
    for label, level in (("bright", 200), ("dark", 60)):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(6):
            pixels = np.clip(level + 20 * random.normal(size=(32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / label / f"{number}.png")
    (tmp_path / "images/dark/broken.png").write_bytes(b"no image")
    return tmp_path / "images"


@pytest.fixture
def model(tmp_path):
    """A network whose weights are drawn, in a model file; `model(seed)` gives its path."""

    def make(seed=0):
        torch.manual_seed(seed)
        weights = tmp_path / f"weights{seed}.pt"
        torch.save(striate.create_model("resnet20").state_dict(), weights)
        classes = [f"class {number}" for number in range(10)]
        path = tmp_path / f"model{seed}.safetensors"
        striate.import_weights(weights, "resnet20", classes=classes, out=path)
        return path

    return make


@pytest.fixture
def indexed(folder, model, tmp_path):
    path = model()
    return path, index_images(path, folder, out=tmp_path / "index", quiet=True)


def test_an_index_holds_the_features_that_the_network_gives_and_names_what_cannot_be_read(indexed, folder):
    path, made = indexed
    loaded = striate.load(path, device="cpu")
    known = read_index(made.path, loaded.checkpoint)
    assert made.images == 12 and made.width == 64
    assert [file.name for file in made.skipped] == ["dark/broken.png"]
    pixels = np.stack([np.asarray(Image.open(folder / name)).transpose(2, 0, 1) for name in known.names])
    entering = []
    loaded.network.head.fc.register_forward_pre_hook(lambda _, inputs: entering.append(inputs[0]))
    scores = loaded.scores(torch.from_numpy(pixels))
    torch.testing.assert_close(known.features, entering[0], rtol=1e-4, atol=1e-5)
    assert known.said.tolist() == scores.argmax(1).tolist()
    assert [known.label(row) for row in range(12)] == ["bright"] * 6 + ["dark"] * 6


def test_an_index_of_another_model_and_what_is_no_index_are_refused(indexed, model):
    path, made = indexed
    with pytest.raises(ModelFileError, match="made with another model"):
        read_index(made.path, load_checkpoint(model(1)))
    with pytest.raises(ModelFileError, match="no whole index"):
        read_index(path, load_checkpoint(path))
    made.path.write_bytes(made.path.read_bytes()[:1000])
    with pytest.raises(ModelFileError, match="no whole index"):
        read_index(made.path, load_checkpoint(path))
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_index(made.path.with_name("none"), load_checkpoint(path))


def test_a_run_that_is_stopped_leaves_what_was_there(folder, model, tmp_path, monkeypatch):
    path = model()
    (tmp_path / "index").write_bytes(b"before")
    before = set(tmp_path.iterdir())

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("striate.recipes.indexing.look", stop)
    with pytest.raises(KeyboardInterrupt):
        index_images(path, folder, out=tmp_path / "index", quiet=True)
    assert (tmp_path / "index").read_bytes() == b"before" and set(tmp_path.iterdir()) == before


def test_the_nearest_in_pixels_are_numpys_and_the_query_itself_is_marked(indexed, folder, tmp_path):
    path, made = indexed
    query = folder / "dark/2.png"
    found = similar_images(path, [query], index=made.path, k=4, out=tmp_path / "out", quiet=True)
    (answer,) = found.answers
    files = {f"{file.parent.name}/{file.name}": file for file in folder.rglob("[0-9].png")}
    own = np.asarray(Image.open(query)) / 255
    distances = {name: np.linalg.norm(np.asarray(Image.open(file)) / 255 - own) for name, file in files.items()}
    assert [near.name for near in answer.pixels] == sorted(distances, key=distances.get)[:4]
    np.testing.assert_allclose([near.value for near in answer.pixels], sorted(distances.values())[:4], rtol=1e-4)
    assert [near.name for near in answer.features if near.same] == ["dark/2.png"]
    assert answer.features[0].value == pytest.approx(1, abs=1e-5)
    assert found.picture.read_bytes().startswith(b"\x89PNG")
    assert json.loads(json.dumps(found.to_dict()))["answers"][0]["pixels"][0]["same"]


def test_queries_that_cannot_be_read_are_named_and_without_any_other_refused(indexed, folder):
    path, made = indexed
    broken = folder / "dark/broken.png"
    found = similar_images(path, [broken, folder / "dark/0.png"], index=made.path, quiet=True)
    assert [file.name for file in found.skipped] == [str(broken)] and len(found.answers) == 1
    with pytest.raises(DataError, match="none of 1 images"):
        similar_images(path, [broken], index=made.path, quiet=True)


def test_images_that_are_not_where_they_were_are_asked_for(indexed, folder, tmp_path):
    path, made = indexed
    query = tmp_path / "query.png"
    (folder / "dark/0.png").rename(query)
    with pytest.raises(DataError, match=r"no image 'dark/0\.png'"):
        similar_images(path, [query], index=made.path, quiet=True)
    folder.rename(tmp_path / "moved")
    query.rename(tmp_path / "moved/dark/0.png")
    asked = tmp_path / "moved/dark/0.png"
    assert similar_images(path, [asked], index=made.path, data=tmp_path / "moved", quiet=True).answers[0].pixels[0].same


def test_a_k_of_none_is_refused(indexed):
    with pytest.raises(SettingsError, match="k is 0; expected a whole number from 1 to 100"):
        similar_images(indexed[0], [], index=indexed[1].path, k=0)


def test_a_labelled_index_is_measured_with_each_image_left_out(indexed):
    path, made = indexed
    found = measure_similar(path, index=made.path, quiet=True)
    assert (found.queries, found.alone) == (12, 0)
    assert found.hit[10] == 1 and 0 < found.mean_average_precision <= 1
    assert found.recall[1] == pytest.approx(found.precision[1] / 5)


def test_of_published_networks_on_cifar_the_nearest_are_mostly_of_the_same_class(shared, tmp_path):
    rows = []
    for file in sorted((shared / "data/cifar10/test").glob("*.webp")):
        mosaic = np.asarray(Image.open(file).convert("RGB"))
        rows += [(mosaic[:32, 32 * n : 32 * n + 32], file.stem.rpartition("_")[0]) for n in range(30)]
    dataset = striate.from_arrays(np.stack([pixels for pixels, _ in rows]), [label for _, label in rows])
    weights, path = shared / "weights/resnet20-12fca82f.th", tmp_path / "resnet20.safetensors"
    striate.import_weights(weights, "resnet20", classes=sorted({label for _, label in rows}), out=path)
    index_images(path, dataset, out=tmp_path / "index", quiet=True)
    found = measure_similar(path, index=tmp_path / "index", quiet=True)
    assert found.queries == len(rows) and found.mean_average_precision > 0.7 and found.precision[1] > 0.8
