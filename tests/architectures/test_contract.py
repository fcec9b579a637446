"""The same questions to every network: on meta tensors at its own size, with numbers at a small one."""

import re
from functools import cache
from itertools import count

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from striate.architectures.catalogue import CATALOGUE, create_model, declare
from striate.architectures.network import Network
from striate.checkpoints.model_file import Checkpoint, load_checkpoint, save_checkpoint
from striate.description.describing import describe
from striate.errors import SettingsError, SizeError
from striate.images.preparation import Geometry, Preparation
from striate.layers.folding import fold

QUICK = ("linear", "lenet5", "alexnet_owt", "vgg11_bn", "resnet18", "resnet20", "mobilenet_v2")
SLOW = (  # with those, one of each builder
    *("mlp", "zfnet", "googlenet_aux", "neocognitron", "unet", "unet_same_bn", "segnet", "dilated_context"),
    *("resnext50_32x4d", "seresnet18", "resnetv2_50", "resnetv2_110", "wrn_16_4", "inception_v3_aux", "inception_v4"),
    *("inception_resnet_v2", "densenet121", "densenet_40_12", "xception", "mobilenet_v1", "tf_mobilenetv1_025"),
    *("shufflenet_v1_g3", "nasnetamobile", "enas_micro", "amoebanet_a_6_32", "efficientnet_b0"),
    "airbench94_w16",
)


def marks(name):
    """Every network is asked by `pytest -m "slow or exhaustive"`."""
    return () if name in QUICK else pytest.mark.slow if name in SLOW else pytest.mark.exhaustive


ALL = [pytest.param(name, marks=marks(name)) for name in CATALOGUE]
CLASSES = 5


@cache
def on_meta(name):
    with torch.device("meta"):
        return create_model(name)


@cache
def affordable(name):
    """A small side that a network takes, large enough for batch normalisation to have some values."""
    for side in count(64 if max(CATALOGUE[name].size) > 64 else 32, 32):
        try:
            with torch.device("meta"):
                create_model(name, size=side)
        except SizeError:
            continue
        return side
    raise AssertionError


def built(name):
    torch.manual_seed(0)
    return create_model(name, num_classes=CLASSES, size=affordable(name))


def settled(name):
    """In test mode, with the statistics of a batch: a thousand layers without them are infinite."""
    network = built(name)
    for norm in (layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)):
        norm.momentum = None  # the average of all that is seen
    with torch.no_grad():
        network.train()(images(name))
    return network.eval()


def images(name, batch=4):
    side = affordable(name)
    return torch.randn(batch, CATALOGUE[name].in_channels, side, side, generator=torch.Generator().manual_seed(1))


def loss_of(network, batch):
    """Cross-entropy in training, dropout drawn alike each time; of maps, at every place; and of helping heads."""
    torch.manual_seed(2)
    answer = network(batch)
    answers = (answer.scores, *answer.auxiliary) if hasattr(answer, "auxiliary") else (answer,)
    targets = torch.arange(len(batch)) % CLASSES
    return sum(
        cross_entropy(scores, targets.view(-1, *(1,) * (scores.dim() - 2)).expand(-1, *scores.shape[2:]))
        for scores in answers
    )


@pytest.fixture(params=ALL)
def name(request):
    return request.param


def test_a_network_has_stages_and_a_head_and_is_a_module_like_any(name):
    network = on_meta(name)
    assert isinstance(network, Network)
    assert list(network.head.parameters())
    assert not {id(p) for p in network.stages.parameters()} & {id(p) for p in network.head.parameters()}


def test_images_of_its_own_size_become_one_score_for_each_class(name):
    entry = CATALOGUE[name]
    with torch.no_grad():
        answer = on_meta(name).eval()(torch.empty(2, entry.in_channels, *entry.size, device="meta"))
    assert answer.shape[:2] == (2, entry.num_classes)
    assert answer.dim() == (2 if entry.gives == "scores" else 4)


def test_other_classes_channels_and_sizes_than_its_papers(name):
    height, width = CATALOGUE[name].size
    with torch.device("meta"), torch.no_grad():
        network = create_model(name, num_classes=7, in_channels=2, size=(height + 32, width + 4)).eval()
        assert network(torch.empty(2, 2, height + 32, width + 4)).shape[:2] == (2, 7)


def test_a_side_of_one_pixel_is_taken_or_refused_with_a_layer_and_the_smallest_that_is_not(name):
    with torch.device("meta"):
        try:
            create_model(name, size=1)
        except SizeError as error:
            said = re.match(
                rf"{name} cannot take a side of 1 pixels: at (\S+) .*; use a size of (\d+) or more", str(error)
            )
        else:
            return
        layer, smallest = said[1], int(said[2])
        assert layer in dict(create_model(name).named_modules())
        create_model(name, size=smallest)
        for size in ((smallest - 1, smallest), (smallest, smallest - 1)):
            with pytest.raises(SizeError, match=f"cannot take a side of {smallest - 1} pixels"):
                create_model(name, size=size)


def test_features_are_a_map_of_each_stage_with_its_stride_and_channels(name):
    entry, network = CATALOGUE[name], on_meta(name).eval()
    with torch.no_grad():
        features = network.features(torch.empty(1, entry.in_channels, *entry.size, device="meta"))
    assert [feature.name for feature in features] == [stage for stage, _ in network.stages.named_children()]
    strides = [feature.stride for feature in features]
    assert strides == sorted(strides)
    if features:
        batch = torch.empty(1, entry.in_channels, *entry.size, device="meta")
        assert (features[-1].channels, features[-1].maps.shape) == (
            network.stages(batch).shape[1],
            network.stages(batch).shape,
        )


def test_the_head_makes_the_scores_of_the_last_map(name):
    if CATALOGUE[name].gives == "maps":
        pytest.skip("a segmentation network has a decoder between")
    network, batch = (
        on_meta(name).eval(),
        torch.empty(2, CATALOGUE[name].in_channels, *CATALOGUE[name].size, device="meta"),
    )
    features = network.features(batch)
    assert network.head(features[-1].maps if features else batch).shape == network(batch).shape


def test_all_that_it_keeps_is_in_its_state_dict(name):
    network = on_meta(name)
    kept = {*dict(network.named_parameters()), *dict(network.named_buffers())}
    assert kept == set(network.state_dict())


def test_describe_counts_and_follows_everything(name):
    card, network = describe(name), on_meta(name).eval()
    entry = CATALOGUE[name]
    assert card.parameters == sum(parameter.numel() for parameter in network.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, entry.in_channels, *entry.size, device="meta"))
    assert card.multiplies == counter.get_total_flops() // 2  # torch counts a multiply and its addition as two
    assert all(key.startswith("auxiliary.") for key in card.unused)  # which help in training alone
    assert not card.not_followed
    assert set(card.fields_lost) <= {"scatter"}  # behind SegNet's unpooling, whose places depend on the values
    fields = {row.layer.partition(".")[0]: row.field for row in card.rows if row.field and row.field.stride[0]}
    assert all(fields[stage].stride[0] == stride for stage, stride in network.strides.items() if stage in fields)


def test_a_small_stem_keeps_the_size_of_a_small_image(name):
    if not CATALOGUE[name].small_stem:
        with pytest.raises(SettingsError, match=rf"{name} has no small stem; \w+ and \d+ others have one"):
            create_model(name, stem="small")
        return
    with torch.device("meta"), torch.no_grad():
        network = create_model(name, num_classes=10, size=32, stem="small").eval()
        assert network(torch.empty(2, 3, 32, 32)).shape == (2, 10)
        assert network.features(torch.empty(2, 3, 32, 32))[0].maps.shape[2:] == (32, 32)


def test_a_step_lowers_the_loss_and_the_gradient_reaches_every_parameter(one_thread, name):
    network, batch = built(name).double(), images(name).double()  # so that a small step is enough
    before = loss_of(network, batch)
    before.backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key
    energy = sum(parameter.grad.square().sum() for parameter in network.parameters())
    torch.optim.SGD(network.parameters(), lr=1e-6 * float(before.detach() / energy)).step()
    assert loss_of(network, batch) < before


def test_layout_and_folding_change_nothing_and_it_runs_in_bfloat16(one_thread, name):
    network, batch = settled(name).double(), images(name, 2).double()  # so that a difference is not of rounding
    with torch.no_grad():
        expected = network(batch)
        tolerance = 1e-4 * float(expected.abs().max())
        torch.testing.assert_close(network(batch[:1]), expected[:1], atol=tolerance, rtol=0)  # images do not touch
        torch.testing.assert_close(fold(network, batch)(batch), expected, atol=tolerance, rtol=0)
        other = network.to(memory_format=torch.channels_last)(batch.contiguous(memory_format=torch.channels_last))
        torch.testing.assert_close(other, expected, atol=tolerance, rtol=0)
        half = network.bfloat16()(batch.bfloat16())
    assert half.dtype == torch.bfloat16
    assert half.isfinite().all()


def exported(network, batch, **options):
    """The exported program, for any number of images."""
    sizes = ({0: torch.export.Dim("batch", min=1, max=64)},)
    return torch.export.export(network, (batch,), dynamic_shapes=sizes, **options).module()


def test_it_exports_for_any_number_of_images(name):
    entry = CATALOGUE[name]
    exported(on_meta(name).eval(), torch.empty(2, entry.in_channels, *entry.size, device="meta"))


@pytest.mark.parametrize("name", QUICK)
def test_compiled_whole_and_exported_it_gives_the_same(one_thread, name):
    network, batch = settled(name), images(name, 2)
    program = exported(network, batch, strict=True)  # Dynamo reads it whole, as torch.compile(fullgraph=True) does
    with torch.no_grad():
        torch.testing.assert_close(program(batch[:1]), network(batch[:1]), atol=1e-4, rtol=1e-4)


def test_it_survives_a_model_file(tmp_path, one_thread, name):
    if CATALOGUE[name].gives == "maps":
        pytest.skip("a model file is of a classifier")
    network, side = settled(name), affordable(name)
    channels = CATALOGUE[name].in_channels
    checkpoint = Checkpoint(
        task="classification",
        declaration=declare(name, num_classes=CLASSES, size=side),
        preparation=Preparation(Geometry((side, side), channels), (0.5,) * channels, (0.5,) * channels),
        classes=tuple("abcde"),
        recipe={},
        measured={},
        weights=network.state_dict(),
        seen=torch.zeros(0, dtype=torch.int64),
    )
    save_checkpoint(tmp_path / "model.safetensors", checkpoint)
    again = load_checkpoint(tmp_path / "model.safetensors").network()
    batch = images(name, 2)
    with torch.no_grad():
        assert torch.equal(again(batch), network(batch))
        assert again(batch).isfinite().all()


@pytest.mark.parametrize("name", QUICK)
def test_a_head_can_be_replaced_and_stages_frozen(name):
    network, batch = built(name), images(name, 2)
    features = network.features(batch)
    values = features[-1].maps.flatten(1).shape[1] if features else batch[0].numel()
    network.head = nn.Sequential(nn.Flatten(), nn.Linear(values, 3))
    network.stages.requires_grad_(False)
    network(batch).sum().backward()
    trained = [key for key, parameter in network.named_parameters() if parameter.grad is not None]
    assert trained == ["head.1.weight", "head.1.bias"]
