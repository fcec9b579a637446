"""Boxes against what a network does: pixels outside change nothing, pixels on each edge do."""

import pytest
import torch
from torch import nn

from striate.architectures.catalogue import architecture, create_model
from striate.errors import SettingsError, SizeError, UnknownNameError
from striate.explain.boxes import Box, all_boxes, boxes_of

FAMILIES = {  # one network of each, on small images where not all of its layers see the whole
    "airbench94_w16": {},
    "alexnet": {"size": 131},
    "lenet5": {},
    "neocognitron": {},
    "resnetv2_18": {"size": 64},
    "plain20": {},
    "resnet18": {"size": 96},
    "resnet20": {},
    "seresnet18": {"size": 64},
    "segnet_basic": {"size": 64},
    "squeezenet1_1": {"size": 96},
    "unet_same": {"size": 64},
    "vgg11": {"size": 64},
}
LARGE = {  # or slow: torch works through float64 channel by channel
    "densenet_40_12": {},
    "googlenet": {"size": 96},
    "inception_v3": {"size": 139},
    "inception_v4": {"size": 139},
    "mobilenet_v1": {"size": 64},
    "mobilenet_v2": {"size": 64},
    "shufflenet_v2_x0_5": {"size": 64},
    "amoebanet_a_6_32": {},
    "dilated_frontend": {"size": 380},
    "efficientnet_b0": {"size": 64},
    "enas_micro": {},
    "nasnet_a_6_768": {},
    "shufflenet_v1_g3_x0_25": {"size": 96},
    "xception": {"size": 96},
}
KEPT = 3  # boxes that are kept while the rest is scrambled


def made_by(network, images, layers):
    """What each of the layers makes, kept from operations that overwrite it."""
    made = {}
    handles = [
        network.get_submodule(layer).register_forward_hook(
            lambda _module, _inputs, output, layer=layer: made.update({layer: output.clone()})
        )
        for layer in layers
    ]
    with torch.no_grad():
        network(images)
    for handle in handles:
        handle.remove()
    return made


def inside(boxes, kept):
    """Which rows and which columns of a map have boxes inside the kept one: two lists."""
    rows = [boxes.box(row, 0) for row in range(boxes.places[0])]
    columns = [boxes.box(0, column) for column in range(boxes.places[1])]
    return (
        [row for row, box in enumerate(rows) if kept.top <= box.top and box.bottom <= kept.bottom],
        [column for column, box in enumerate(columns) if kept.left <= box.left and box.right <= kept.right],
    )


def expect_nothing_from_outside(network, shape, draw):
    """Scramble all but a box, and see that every unit of every map whose own box lies inside keeps its value."""
    network.double().eval()
    known = all_boxes(network, shape)
    partial = [boxes for boxes in known.values() if not boxes.whole]
    image = torch.randn(1, *shape, dtype=torch.float64, generator=draw)
    kept, images = [], [image]
    for number in torch.linspace(0, len(partial) - 1, KEPT).int().tolist():
        boxes = partial[number]
        row, column = (int(torch.randint(places, (), generator=draw)) for places in boxes.places)
        kept.append(boxes.box(row, column))
        scrambled = 3 * torch.randn(1, *shape, dtype=torch.float64, generator=draw)
        scrambled[..., *kept[-1].slices] = image[..., *kept[-1].slices]
        images.append(scrambled)
    made, looked_at = made_by(network, torch.cat(images), known), 0
    for layer, boxes in known.items():
        for number, box in enumerate(kept, 1):
            rows, columns = inside(boxes, box)
            true, seen = (made[layer][place][:, rows][:, :, columns] for place in (0, number))
            torch.testing.assert_close(seen, true, rtol=1e-9, atol=1e-10, msg=lambda said, at=layer: f"{at}: {said}")
            looked_at += seen.numel() > 0
    assert looked_at >= KEPT


def shape_of(name, size=None):
    entry = architecture(name)
    return (entry.in_channels, size, size) if size else (entry.in_channels, *entry.size)


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_outside_a_box_changes_the_unit(name):
    torch.manual_seed(0)
    network = create_model(name, num_classes=10, **FAMILIES[name])
    expect_nothing_from_outside(network, shape_of(name, **FAMILIES[name]), torch.Generator().manual_seed(1))


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_nothing_outside_a_box_changes_the_unit_of_a_large_network(name):
    torch.manual_seed(0)
    network = create_model(name, num_classes=10, **LARGE[name])
    expect_nothing_from_outside(network, shape_of(name, **LARGE[name]), torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "name", ["lenet5", "plain20", *(pytest.param(name, marks=pytest.mark.slow) for name in ("vgg11", "unet_same_bn"))]
)
def test_some_pixel_on_each_edge_of_a_box_changes_the_unit(name):
    torch.manual_seed(0)
    shape = shape_of(name, 64 if architecture(name).size[0] > 64 else None)
    network = create_model(name, num_classes=10, size=shape[1]).double().eval()
    draw, known = torch.Generator().manual_seed(2), list(all_boxes(network, shape).values())
    for boxes in [known[number] for number in torch.linspace(0, len(known) - 1, 6).int().tolist()]:
        row, column = (places // 2 for places in boxes.places)
        uncut, box = boxes.uncut(row, column), boxes.box(row, column)
        edges = {  # of the uncut box, where they lie inside the image
            "top": (uncut.top == box.top, box.top, slice(box.left, box.right)),
            "bottom": (uncut.bottom == box.bottom, box.bottom - 1, slice(box.left, box.right)),
            "left": (uncut.left == box.left, slice(box.top, box.bottom), box.left),
            "right": (uncut.right == box.right, slice(box.top, box.bottom), box.right - 1),
        }
        for edge, (inside_the_image, *where) in edges.items():
            assert not inside_the_image or changes(network, boxes.layer, (row, column), where, shape, draw), (
                boxes.layer,
                edge,
            )


def changes(network, layer, place, where, shape, draw):
    """Whether pixels of an edge change any channel there, for one of a few images: a ReLU or a maximum may hide it."""
    images = torch.randn(3, *shape, dtype=torch.float64, generator=draw)
    other = images.clone()
    other[..., *where] += 1e3 * torch.randn(other[..., *where].shape, dtype=torch.float64, generator=draw)
    one, two = (made_by(network, batch, [layer])[layer][..., *place] for batch in (images, other))
    return bool((one - two).abs().max() > 1e-9)


def test_boxes_worked_by_hand():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Conv2d(2, 1, (1, 3)))
    boxes = boxes_of(network, "1", (1, 8, 10))  # 4×5 places after the first, 4×3 after the second
    assert (boxes.places, boxes.largest, boxes.whole) == ((4, 3), (3, 7), False)
    assert boxes.uncut(0, 0) == Box(-1, -1, 2, 6)
    assert boxes.box(0, 0) == Box(0, 0, 2, 6)
    assert boxes.uncut(3, 2) == boxes.box(3, 2) == Box(5, 3, 8, 10)
    assert (boxes.box(0, 0).height, boxes.box(0, 0).width) == (2, 6)


def test_behind_an_enlarging_layer_neighbours_see_the_same_or_the_next():
    network = nn.Sequential(nn.AvgPool2d(2), nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, (2, 1)))
    boxes = boxes_of(network, "2", (1, 8, 8))
    assert [boxes.box(row, 3) for row in range(3)] == [Box(0, 2, 2, 4), Box(0, 2, 4, 4), Box(2, 2, 4, 4)]


def test_a_gate_of_the_whole_image_lets_a_unit_see_all_of_it():
    network = create_model("seresnet18", num_classes=10)
    boxes = boxes_of(network, "layer1", (3, 64, 64))
    assert boxes.whole and boxes.box(3, 5) == Box(0, 0, 64, 64)


def test_a_unit_of_padding_alone_sees_nothing():
    network = nn.Sequential(nn.Conv2d(1, 1, 1, padding=2))
    box = boxes_of(network, "0", (1, 4, 4)).box(0, 0)
    assert box.height == 0 == box.width


def refusal(network, layer, shape=(3, 16, 16)):
    with pytest.raises((SizeError, SettingsError, UnknownNameError)) as refused:
        boxes_of(network, layer, shape)
    said = str(refused.value)
    assert "\n" not in said
    return said


class Flipped(nn.Module):
    def forward(self, images):
        return images.flip(2) + 1


class Idle(nn.Sequential):
    def forward(self, images):
        return images * 1


def test_what_has_no_boxes_is_refused_in_a_sentence():
    chain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    assert "no map with places" in refusal(chain, "1") and "4×1×1" in refusal(chain, "1")
    assert "makes 2 for an image" in refusal(chain, "3")
    assert "did you mean" in refusal(chain, "00") or "lists all" in refusal(chain, "00")
    assert "cannot follow flip" in refusal(nn.Sequential(Flipped(), nn.Conv2d(3, 1, 1)), "1")
    assert "makes no maps for these images" in refusal(Idle(nn.Conv2d(3, 1, 1)), "0")
    with pytest.raises(SettingsError, match="no place 16,0; it has 14×14 places"):
        boxes_of(chain, "0", (3, 16, 16)).box(16, 0)
