"""Weights of others in a network of ours: found, adapted, told; or refused, and nothing is changed."""

import copy
import logging

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import conv2d

from striate.architectures.catalogue import CATALOGUE, ZOO, architecture, build, create_model, declare, load_weights
from striate.architectures.weights.files import read_weights
from striate.architectures.weights.loading import load_into, network_with
from striate.architectures.weights.matching import match
from striate.architectures.weights.needs import Needs, Zoo
from striate.errors import WeightsError

RESNET = {"num_classes": 10, "size": 32}
NAMES = ("mlp", "lenet5", "googlenet", "googlenet_aux", "resnet18", "resnet34")
FEW = Zoo({name: CATALOGUE[name] for name in NAMES}, build, architecture)


@pytest.fixture
def file(tmp_path):
    """Write tensors as torch does; gives the place."""

    def write(tensors):
        torch.save(dict(tensors), tmp_path / "weights.pth")
        return tmp_path / "weights.pth"

    return write


def weights_of(name, dialect=None, **options):
    """Random tensors with the names and shapes of a network, in a dialect."""
    chance = torch.Generator().manual_seed(0)
    state = Needs(declare(name, **options), ZOO).tensors
    names = CATALOGUE[name].names[dialect](list(state)) if dialect else list(state)
    return {
        called: torch.rand(tensor.shape, generator=chance).to(tensor.dtype)
        for called, tensor in zip(names, state.values(), strict=True)
    }


def refusal(path, name, **options):
    before = torch.get_rng_state()
    with pytest.raises(WeightsError) as caught:
        network_with(read_weights(path), declare(name, **options), FEW)
    sentence = str(caught.value)
    assert torch.equal(before, torch.get_rng_state())
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("dialect", [None, "torchvision"])
def test_weights_are_found_by_our_names_and_by_those_of_a_library(file, dialect):
    tensors = weights_of("resnet18", dialect, **RESNET)
    network = create_model("resnet18", weights=file(tensors), **RESNET)
    assert all(torch.equal(a, b) for a, b in zip(network.state_dict().values(), tensors.values(), strict=True))
    assert network.loaded.dialect == (dialect or "striate")
    assert network.loaded.loaded == tuple(network.state_dict())
    assert network.loaded.as_it_is
    assert str(network.loaded) == f"{file(tensors)}: 122 tensors loaded, found by the names of {network.loaded.dialect}"


@pytest.mark.parametrize("wrap", [lambda t: {"state_dict": t}, lambda t: {f"module.{k}": v for k, v in t.items()}])
def test_weights_in_wrappers_are_found(file, wrap):
    tensors = weights_of("resnet18", "torchvision", **RESNET)
    network = create_model("resnet18", weights=file(wrap(tensors)), **RESNET)
    assert torch.equal(network.head.fc.bias, tensors["fc.bias"])


def test_a_layer_pattern_takes_weights_by_its_own_names(file):
    text = "INPUT 1x8x8 -> CONV 4 -> RELU -> POOL -> FC 3"
    torch.manual_seed(0)
    given = create_model(text)
    network = create_model(text, weights=file(given.state_dict()))
    assert torch.equal(network(torch.ones(1, 1, 8, 8)), given(torch.ones(1, 1, 8, 8)))
    assert "of another shape" in refusal(file(weights_of("INPUT 1x8x8 -> CONV 4 -> POOL -> FC 4")), text)


def test_a_network_whose_weights_all_come_from_a_file_draws_no_random_numbers(file):
    path, before = file(weights_of("lenet5")), torch.get_rng_state()
    create_model("lenet5", weights=path)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_formats_become_float32_and_that_is_told(file, dtype):
    tensors = {name: tensor.to(dtype) for name, tensor in weights_of("lenet5").items()}
    network = create_model("lenet5", weights=file(tensors))
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert torch.equal(network.head.output.bias, tensors["head.output.bias"].float())
    assert network.loaded.adapted == (f"stage1.c1.weight and 9 more: from {str(dtype)[6:]} to float32",)


@pytest.mark.parametrize(("theirs", "ours"), [(3, 1), (3, 2), (3, 4), (3, 6), (1, 3), (4, 3)])
def test_other_input_channels_are_summed_or_repeated_in_turn_and_scaled(file, theirs, ours):
    tensors = weights_of("resnet18", in_channels=theirs, **RESNET)
    network = create_model("resnet18", in_channels=ours, weights=file(tensors), **RESNET)
    given, adapted = tensors["stem.conv1.weight"], network.stem.conv1.weight
    if ours == 1:
        torch.testing.assert_close(adapted, given.sum(dim=1, keepdim=True))
    else:
        expected = torch.stack([given[:, channel % theirs] for channel in range(ours)], dim=1) * theirs / ours
        torch.testing.assert_close(adapted, expected)
    assert network.loaded.adapted[0].startswith(f"stem.conv1.weight: from {theirs} input channels to {ours}")
    assert torch.equal(network.head.fc.weight, tensors["head.fc.weight"])


def test_a_grey_image_gives_one_channel_what_its_three_equal_planes_gave(file):
    tensors = weights_of("resnet18", **RESNET)
    network = create_model("resnet18", in_channels=1, weights=file(tensors), **RESNET)
    grey = torch.rand(1, 1, 9, 9)
    expected = conv2d(grey.expand(1, 3, 9, 9), tensors["stem.conv1.weight"])
    torch.testing.assert_close(conv2d(grey, network.stem.conv1.weight), expected)


def test_a_matrix_on_the_whole_image_is_adapted_channel_by_channel(file):
    tensors = weights_of("mlp", in_channels=3, size=4)
    network = create_model("mlp", in_channels=1, size=4, weights=file(tensors))
    grey, planes = torch.rand(2, 1, 4, 4), tensors["head.hidden.weight"].reshape(100, 3, 16)
    expected = grey.flatten(1) @ planes.sum(dim=1).T + tensors["head.hidden.bias"]
    torch.testing.assert_close(network.head.hidden(grey.flatten(1)), expected)


def test_a_head_for_other_classes_starts_afresh_and_the_rest_is_loaded(file):
    tensors = weights_of("resnet18", "torchvision", num_classes=1000)
    torch.manual_seed(3)
    network = create_model("resnet18", num_classes=7, weights=file(tensors))
    torch.manual_seed(3)
    assert torch.equal(network.head.fc.weight, create_model("resnet18", num_classes=7).head.fc.weight)
    assert torch.equal(network.stem.conv1.weight, tensors["conv1.weight"])
    assert network.loaded.left_out == (
        "head.fc.weight, head.fc.bias: the file has 1,000 classes, the network 7; drawn afresh",
    )
    assert len(network.loaded.loaded) == 120


def test_heads_that_disagree_on_the_number_of_classes_are_refused(file):
    tensors = weights_of("lenet5")
    assert "head.output.bias is 11, not 10" in refusal(file({**tensors, "head.output.bias": torch.ones(11)}), "lenet5")


@pytest.mark.parametrize(
    ("name", "shape"),
    [("head.c5.weight", (120, 16, 5, 5)), ("head.f6.weight", (84, 120, 1, 1)), ("head.f6.bias", (84, 1, 1))],
)
def test_the_same_numbers_in_another_form_are_loaded_and_told(file, name, shape):
    tensors = weights_of("lenet5")
    network = create_model("lenet5", weights=file({**tensors, name: tensors[name].reshape(shape)}))
    assert torch.equal(network.state_dict()[name], tensors[name])
    given, ours = ("×".join(map(str, sides)) for sides in (shape, tensors[name].shape))
    assert network.loaded.adapted == (f"{name} from {given} to {ours}: the same numbers in another form",)


@pytest.mark.parametrize("shape", [(16, 6, 25), (150, 16), (6, 16, 5, 5), (16, 5, 6, 5)])
def test_a_shape_with_its_numbers_in_another_order_is_refused(file, shape):
    tensors = weights_of("lenet5")
    tensors["stage2.c3.weight"] = torch.ones(shape)
    sentence = refusal(file(tensors), "lenet5")
    assert f"1 tensor of another shape (stage2.c3.weight is {'×'.join(map(str, shape))}, not 16×6×5×5)" in sentence


def test_a_file_without_counters_loads_and_they_are_zero(file):
    tensors = {n: t for n, t in weights_of("resnet18", **RESNET).items() if not n.endswith("num_batches_tracked")}
    network = create_model("resnet18", weights=file(tensors), **RESNET)
    assert network.stem.bn1.num_batches_tracked.item() == 0
    assert network.loaded.as_it_is


def test_counters_that_the_network_has_not_are_no_matter(file):
    more = {"bn1.num_batches_tracked": torch.tensor(3), "n_averaged": torch.tensor(5)}
    assert create_model("lenet5", weights=file({**weights_of("lenet5"), **more})).loaded.as_it_is


@pytest.mark.parametrize(("name", "dialect", "count"), [("googlenet", None, 12), ("googlenet_bn", "torchvision", 20)])
def test_auxiliary_heads_that_the_network_has_not_are_left_out(file, name, dialect, count):
    tensors = weights_of(f"{name}_aux", dialect, num_classes=5)
    network = create_model(name, num_classes=5, size=64, weights=file(tensors))
    assert len(network.loaded.loaded) == len(network.state_dict()) <= len(tensors) - count
    (sentence,) = network.loaded.left_out
    assert sentence.endswith(f"more: auxiliary heads, which {name}_aux has")


def test_weights_without_auxiliary_heads_are_refused_where_these_are_asked_for(file):
    sentence = refusal(file(weights_of("googlenet")), "googlenet_aux")
    assert sentence.endswith("these are the weights of googlenet")


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        (lambda t: t.pop("head.f6.bias"), "1 tensor of 10 not in it (head.f6.bias 84)"),
        (lambda t: t.update(more=torch.ones(2, 3)), "1 tensor of its 11 without a place (more 2×3)"),
        (lambda t: t.update({"head.f6.bias": torch.ones(85)}), "head.f6.bias is 85, not 84"),
        (lambda t: t.update({"head.f6.bias": torch.ones(84, dtype=torch.int8)}), "torch.int8 in place of floating"),
        (
            lambda t: t["head.f6.bias"][:3].fill_(torch.nan),
            "1 tensor with 3 values, infinite or no number in float32 (3 in head",
        ),
        (lambda t: t["head.f6.bias"][0].fill_(torch.inf), "1 tensor with 1 value, infinite or no number"),
    ],
    ids=["a tensor less", "a tensor more", "another shape", "whole numbers", "no numbers", "infinite"],
)
def test_what_does_not_fit_is_refused_by_name_and_the_network_stays_as_it_was(file, change, sign):
    tensors = weights_of("lenet5")
    change(tensors)
    path = file(tensors)
    assert sign in refusal(path, "lenet5")
    network = create_model("lenet5")
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(WeightsError):
        load_into(network, read_weights(path), declare("lenet5"), FEW)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_float64_numbers_too_large_for_float32_are_refused(file):
    tensors = {name: tensor.double() for name, tensor in weights_of("lenet5").items()}
    tensors["head.f6.bias"][0] = 1e300
    assert "1 in head.f6.bias" in refusal(file(tensors), "lenet5")


@pytest.mark.parametrize(
    ("asked", "given", "whose"),
    [
        ({"name": "resnet34"}, {"name": "resnet18"}, "resnet18"),
        ({"name": "resnet18", "stem": "small"}, {"name": "resnet18"}, 'resnet18 with stem="paper"'),
        ({"name": "resnet18"}, {"name": "resnet18", "stem": "small"}, 'resnet18 with stem="small"'),
        ({"name": "lenet5", "size": 28}, {"name": "lenet5"}, "lenet5 for images of 32×32"),
        ({"name": "lenet5"}, {"name": "mlp"}, "mlp"),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_weights_of_another_network_are_refused_with_its_name(file, asked, given, whose):
    sentence = refusal(file(weights_of(**given)), **asked)
    assert sentence.endswith(f"these are the weights of {whose}")


def test_whose_weights_they_are_is_looked_for_in_the_whole_catalogue(file):
    with pytest.raises(WeightsError, match=r"these are the weights of densenet_40_12$"):
        create_model("lenet5", weights=file(weights_of("densenet_40_12")))


def test_weights_that_nobody_here_knows_are_refused_with_the_first_of_their_names(file):
    sentence = refusal(file({f"layer.{number}": torch.ones(number, 2) for number in range(1, 9)}), "lenet5")
    assert "10 tensors of 10 not in it (stage1.c1.weight 6×1×5×5, stage1.c1.bias 6, stage2.c3.weight" in sentence
    assert "8 tensors of its 8 without a place (layer.1 1×2, layer.2 2×2, layer.3 3×2 and 5 more)" in sentence
    assert sentence.endswith("expected those of lenet5")


def test_a_network_that_exists_takes_weights_where_and_as_it_is(file):
    network = create_model("lenet5").to(torch.bfloat16)
    kept = network.head.f6.weight
    loaded = load_weights(network, file(weights_of("lenet5")), declare("lenet5"))
    assert network.head.f6.weight is kept
    assert kept.dtype == torch.bfloat16
    assert torch.equal(kept, weights_of("lenet5")["head.f6.weight"].bfloat16())
    assert loaded is network.loaded


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_become_the_numbers_of_the_network_that_is_there_and_that_is_told(file, dtype):
    tensors = weights_of("lenet5")
    loaded = load_weights(create_model("lenet5").to(dtype), file(tensors), declare("lenet5"))
    assert loaded.adapted == (f"stage1.c1.weight and 9 more: from float32 to {str(dtype)[6:]}",)
    double = create_model("lenet5").double()
    load_weights(double, file({name: tensor.double() + 1e-12 for name, tensor in tensors.items()}), declare("lenet5"))
    assert torch.equal(double.head.f6.bias, tensors["head.f6.bias"].double() + 1e-12)


def test_values_too_large_for_the_network_that_is_there_are_refused(file):
    tensors, network = weights_of("lenet5"), create_model("lenet5").half()
    tensors["head.f6.bias"][0] = 1e5
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(WeightsError, match=r"1 value, infinite or no number in float16 \(1 in head.f6.bias\)"):
        load_weights(network, file(tensors), declare("lenet5"))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_network_on_the_meta_device_is_refused(file):
    with torch.device("meta"):
        network = create_model("lenet5")
    with pytest.raises(WeightsError, match=r"on the meta device, without values; first network\.to_empty"):
        load_weights(network, file(weights_of("lenet5")), declare("lenet5"))


@pytest.mark.parametrize(("classes", "channels"), [(10, 1), (3, 1), (10, 4)])
def test_weights_give_a_network_on_the_cpu_under_any_device(tmp_path, file, classes, channels):
    tensors = weights_of("lenet5", in_channels=3)
    save_file(tensors, tmp_path / "weights")
    for path in (file(tensors), tmp_path / "weights"):
        with torch.device("meta"):
            network = create_model("lenet5", num_classes=classes, in_channels=channels, weights=path)
        assert {tensor.device.type for tensor in network.state_dict().values()} == {"cpu"}
        assert torch.equal(network.head.f6.bias, tensors["head.f6.bias"])


def test_variances_below_zero_are_refused(file):
    tensors = weights_of("resnet18", **RESNET)
    tensors["stem.bn1.running_var"][:2] = -0.5
    sentence = refusal(file(tensors), "resnet18", **RESNET)
    assert "1 tensor with 2 values, below 0 in place of a variance (2 in stem.bn1.running_var)" in sentence


def test_an_empty_tensor_is_refused_by_its_shape(file):
    tensors = weights_of("resnet18", **RESNET) | {"stem.conv1.weight": torch.ones(0, 3, 7, 7)}
    assert "stem.conv1.weight is 0×3×7×7, not 64×1×7×7" in refusal(file(tensors), "resnet18", in_channels=1, **RESNET)


def test_weights_without_a_head_are_loaded_if_it_starts_afresh_in_any_case(file):
    headless = {n: t for n, t in weights_of("resnet18", num_classes=1000).items() if not n.startswith("head")}
    network = create_model("resnet18", num_classes=7, weights=file(headless))
    assert network.loaded.left_out == ("head.fc.weight, head.fc.bias: not in the file; drawn afresh",)
    assert torch.equal(network.stem.conv1.weight, headless["stem.conv1.weight"])
    assert "2 tensors of 122 not in it (head.fc.weight" in refusal(file(headless), "resnet18")
    del headless["stem.conv1.weight"]
    assert "3 tensors of 122 not in it" in refusal(file(headless), "resnet18", num_classes=7)


def test_a_name_with_numbers_speaks_the_names_of_its_family():
    numbered = Needs(declare("efficientnet_d1_w1"), ZOO).dialects
    assert numbered.keys() == Needs(declare("efficientnet_b0"), ZOO).dialects.keys()
    assert len(numbered) > 2


def test_a_part_of_a_file_can_be_named(file):
    tensors = weights_of("lenet5")
    other = {name: tensor + 1 for name, tensor in tensors.items()}
    network = create_model("lenet5")
    load_weights(network, file({"model": tensors, "model_ema": other}), declare("lenet5"), part="model_ema")
    assert torch.equal(network.head.f6.bias, other["head.f6.bias"])


def test_a_network_that_is_not_as_declared_is_refused(file):
    with pytest.raises(WeightsError, match="the network is not the lenet5 that is declared"):
        load_weights(create_model("mlp"), file(weights_of("lenet5")), declare("lenet5"))


def test_loading_is_information_and_more_than_that_a_warning(file, caplog):
    caplog.set_level(logging.INFO, "striate")
    path = file(weights_of("lenet5"))
    create_model("lenet5", weights=path)
    create_model("lenet5", num_classes=3, weights=path)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert "the file has 10 classes, the network 3; drawn afresh" in caplog.text


def test_what_was_loaded_goes_with_a_copy_of_the_network(file):
    network = create_model("lenet5", weights=file(weights_of("lenet5")))
    assert copy.deepcopy(network).loaded == network.loaded


def test_safetensors_load_as_torchs_own(tmp_path):
    tensors = weights_of("lenet5")
    save_file(tensors, tmp_path / "weights")
    network = create_model("lenet5", weights=str(tmp_path / "weights"))
    assert torch.equal(network.head.f6.bias, tensors["head.f6.bias"])


def test_the_dialect_with_the_most_names_wins_and_one_that_calls_two_tensors_the_same_is_not_spoken():
    ours, theirs = ["a.w", "b.w"], ["w", "v"]
    dialects = {"ours": list, "same": lambda names: ["w", "w"], "other": lambda names: ["v", "x"]}
    found = match(ours, theirs, dialects)
    assert (found.dialect, found.pairs, found.missing, found.unplaced) == ("other", {"a.w": "v"}, ["b.w"], ["w"])


VERSION_1 = {  # some names as model files of version 1 have them, and ours
    "lenet5": {"stage1.c1.weight": "c1.weight", "head.output.bias": "output.bias"},
    "alexnet": {"stage2.conv2.bias": "conv2.bias", "head.fc6.weight": "fc6.weight"},
    "vgg11_lrn": {"stage2.4.weight": "features.4.weight", "head.fc7.bias": "classifier.3.bias"},
    "vgg16_c": {"stage5.24.weight": "features.24.weight", "head.fc8.weight": "classifier.6.weight"},
    "resnet18": {"stem.bn1.bias": "bn1.bias", "layer2.0.shortcut.0.weight": "layer2.0.downsample.0.weight"},
    "googlenet": {
        "stage2.conv3.conv.weight": "conv2.weight",
        "stage3.inception3a.branch2.1.conv.bias": "inception_3a.branch_3x3.2.bias",
        "head.fc.weight": "linear.weight",
    },
}


@pytest.mark.parametrize("name", VERSION_1)
def test_the_names_of_version_1_are_known(name):
    needed = Needs(declare(name), ZOO)
    names = list(needed.tensors)
    spoken = [dict(zip(names, dialect(names), strict=True)) for dialect in needed.dialects.values()]
    assert any(VERSION_1[name].items() <= translated.items() for translated in spoken)
