"""Pages of a layer's patches, its filters and of the hierarchy, for networks trained here and images of a folder."""

import numpy as np
import pytest
import torch

import striate
from striate.datasets.opening import open_dataset
from striate.errors import DataError, SettingsError, SizeError, UnknownNameError
from striate.explain.boxes import boxes_of
from striate.explain.layers import maps_of
from striate.explain.patches import strongest_patches
from striate.recipes.filters_section import filters_section
from striate.recipes.gallery import gallery_of
from striate.recipes.hierarchy_section import hierarchy_section, stages_of
from striate.recipes.patches_section import chosen, image_shape, patches_section


@pytest.fixture(scope="module")
def model(shown, tmp_path_factory):
    out = tmp_path_factory.mktemp("inside") / "run"
    pattern = "INPUT 3x16x16 -> CONV 8 3x3 -> RELU -> POOL -> CONV 12 3x3 -> RELU -> FC 3"
    striate.train(shown, model=pattern, epochs=2, batch_size=8, out=str(out), quiet=True)
    return striate.load(out, device="cpu")


def maps(model):
    return list(maps_of(model.network, image_shape(model)))


def test_a_page_of_patches_shows_every_neuron_and_says_how_to_read_it(model, shown):
    layer = maps(model)[-1]
    section = patches_section(model, shown, layer)
    (figure,) = section.figures
    assert figure.picture.dtype == np.uint8 and figure.picture.shape[2] == 3
    assert "36 images" in figure.caption
    tall, wide = boxes_of(model.network, layer, image_shape(model)).largest
    assert any(f"{tall}×{wide} pixels; paper is padding" in note for note in section.notes)
    assert any(paragraph.startswith("When not to trust it:") for paragraph in section.card)


def test_of_many_neurons_the_most_selective_are_shown_and_the_rule_is_told(model, shown):
    section = patches_section(model, shown, maps(model)[0], neurons=3)
    assert section.notes[0].startswith("3 of ")
    assert "standard deviations" in section.notes[0]


def test_asked_channels_are_shown(model, shown):
    assert patches_section(model, shown, maps(model)[0], channels=[1], count=1).figures
    with pytest.raises(SettingsError, match="has no channel 99"):
        patches_section(model, shown, maps(model)[0], channels=[99])


def test_an_interruption_shows_what_was_found(model, shown):
    def stop(_count):
        raise KeyboardInterrupt

    section = patches_section(model, shown, maps(model)[0], watch=stop)
    assert any(note.startswith("Interrupted after 32 images") for note in section.notes)
    assert section.figures


def test_a_data_set_a_folder_without_classes_and_files_are_shown_alike(model, shown):
    loose = shown / "square"
    files = sorted(loose.iterdir())
    by_folder, by_files, by_data = gallery_of(loose), gallery_of(files), gallery_of(open_dataset(shown))
    assert len(by_folder) == len(by_files) == 12 and len(by_data) == 36
    assert by_folder.labels is None and set(by_data.labels) == set(model.classes)
    for one, two in zip(by_folder.batches(model), by_files.batches(model), strict=True):
        assert torch.equal(one, two)


def test_what_cannot_be_read_is_told_and_the_rest_is_shown(model, photos):
    (photos / "square" / "notes.txt").write_text("no image")
    section = patches_section(model, photos / "square", maps(model)[0])
    assert any(note.startswith("1 image could not be read") and "notes.txt" in note for note in section.notes)
    gallery = gallery_of(photos / "square")
    shown = sum(len(batch) for batch in gallery.batches(model))
    prepared = model.preparation.geometry.prepare(photos / "square" / "11.jpg")[0]
    assert shown == 12
    np.testing.assert_array_equal(gallery.prepared(model, 11), prepared)


def test_a_folder_of_no_image_is_refused_in_a_sentence(model, tmp_path):
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(DataError, match=r"of 1 images none can be read; .*give files or folders of images"):
        patches_section(model, tmp_path, maps(model)[0])
    (tmp_path / "readme.txt").unlink()
    with pytest.raises(DataError, match="no image in"):
        patches_section(model, tmp_path, maps(model)[0])


def test_a_layer_without_maps_is_refused_before_an_image_is_read(model):
    with pytest.raises(UnknownNameError, match="unknown layer"):
        patches_section(model, "nowhere", "layer9")
    last = [name for name, _ in model.network.named_modules()][-1]
    with pytest.raises(SizeError, match="no map with places"):
        patches_section(model, "nowhere", last)


def test_neurons_that_never_change_are_left_out(model, shown):
    layer = maps(model)[0]
    module = model.network.get_submodule(layer)
    weight, bias = module.weight.detach().clone(), module.bias.detach().clone()
    with torch.no_grad():
        module.weight[0], module.bias[0] = 0, 0.5
    try:
        section = patches_section(model, shown, layer)
    finally:
        with torch.no_grad():
            module.weight.copy_(weight)
            module.bias.copy_(bias)
    assert "1 that are the same in all images are left out" in section.notes[0]


def test_first_filters_are_shown_in_colour_and_others_in_a_table(model):
    first = filters_section(model)
    assert "8 filters of 3×3 weights" in first.figures[0].caption
    assert (np.ptp(first.figures[0].picture.astype(int), axis=2) > 40).any()
    second = filters_section(model, maps(model)[3])
    assert "one scale for the layer" in second.figures[0].caption
    assert (np.ptp(second.figures[0].picture.astype(int), axis=2) <= 30).all()  # the letters are nearly grey


@pytest.mark.parametrize(("name", "title"), [("linear", "What speaks for each class"), ("mlp", "What each neuron")])
def test_templates_bear_the_names_of_their_classes_only_in_a_linear_classifier(
    shown, tmp_path, name, title, monkeypatch
):
    striate.train(shown, model=name, size=16, epochs=1, batch_size=8, out=str(tmp_path / "run"), quiet=True)
    drawn = []
    monkeypatch.setattr(
        "striate.recipes.filters_section.poster", lambda *given: drawn.append(given) or np.zeros((1, 1, 3))
    )
    section = filters_section(striate.load(tmp_path / "run", device="cpu"))
    heading, cells = drawn[0]
    assert heading.startswith(title) and section.title.startswith("Templates of")
    if name == "linear":
        assert [cell.title for cell in cells] == list(striate.load(tmp_path / "run").classes)
    else:
        assert cells[0].title == "0"


def test_the_hierarchy_goes_from_the_first_filters_to_the_last_maps(model, shown):
    sections = hierarchy_section(model, shown, neurons=2)
    assert sections[0].title.startswith("Filters of")
    layers = list(stages_of(model))
    assert [section.title.partition(": ")[2] for section in sections[1:]] == layers
    places = [boxes_of(model.network, layer, image_shape(model)).places for layer in layers]
    assert places == sorted(set(places), reverse=True)
    assert all("DeconvNet" in section.figures[0].caption for section in sections[1:] if section.figures)


def test_a_network_without_a_relu_says_why_there_are_no_patterns(shown, tmp_path):
    striate.train(shown, model="lenet5", size=32, epochs=1, batch_size=8, out=str(tmp_path / "run"), quiet=True)
    loaded = striate.load(tmp_path / "run", device="cpu")
    sections = hierarchy_section(loaded, shown, neurons=2)
    assert [section.title for section in sections[1:]] == ["Low level: stage1", "High level: stage2"]
    assert all(
        any(note.startswith("No patterns are shown: the network has no ReLU") for note in s.notes) for s in sections[1:]
    )


def test_neurons_are_chosen_by_how_far_they_stand_out(model, shown):
    found = strongest_patches(model.network, gallery_of(shown).batches(model), maps(model)[0])
    scores = dict(zip(found.channels, found.selectivity.tolist(), strict=True))
    own = chosen(found, 3)
    assert own == sorted(own) and len(own) == 3
    assert min(scores[channel] for channel in own) >= max(scores[channel] for channel in set(scores) - set(own))


def test_images_come_one_by_one_with_their_names(model, photos):
    (photos / "square" / "05b.png").write_bytes(b"broken")
    gallery = gallery_of(photos / "square")
    names, images = zip(*gallery.each(model), strict=True)
    assert [name.rpartition("/")[2] for name in names][:2] == ["00.png", "01.jpg"] and len(names) == 12
    assert {image.shape for image in images} == {(3, 16, 16)}
    assert [file.name.rpartition("/")[2] for file in gallery.skipped] == ["05b.png"]
    np.testing.assert_array_equal(gallery.prepared(model, 6), images[6])
