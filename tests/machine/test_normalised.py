"""One operation for ReLU(BN(x) + addend), against torch's own three."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from striate.machine import normalised as module
from striate.machine.compiled import SWITCH, kernels
from striate.machine.normalised import normalised

TOLERANCE = {torch.float64: 1e-13, torch.float32: 2e-6}
SHAPES = [(4, 72, 13, 11), (2, 3, 8, 5), (9, 16, 1, 1), (1, 130, 7, 9), (3, 256, 6, 6)]

compiled = pytest.mark.skipif(kernels() is None, reason="this machine has no C compiler")


@pytest.fixture(autouse=True)
def of_any_size(monkeypatch):
    monkeypatch.setattr(module, "_WORTH", 1)


def norm_of(channels, kind, training):
    generator = torch.Generator().manual_seed(channels)
    norm = nn.BatchNorm2d(channels, momentum=0.3).to(kind).train(training)
    for numbers in (norm.weight.data, norm.bias.data, norm.running_mean):
        numbers.normal_(generator=generator)
    norm.running_var.uniform_(0.5, 2, generator=generator)
    return norm


def maps_of(shape, kind, seed, *, mean=0.0):
    drawn = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + mean
    return drawn.to(kind).contiguous(memory_format=torch.channels_last).requires_grad_()


def as_torch(norm, maps, addend=None, *, rectified=False):
    result = norm(maps) if addend is None else norm(maps) + addend
    return functional.relu(result) if rectified else result


def answers(function, shape, kind, *, training, added, rectified, mean=3.0):
    """Output, gradients and statistics."""
    norm = norm_of(shape[1], torch.float32 if kind == torch.bfloat16 else kind, training)
    maps, addend = maps_of(shape, kind, 1, mean=mean), maps_of(shape, kind, 2) if added else None
    made = function(norm, maps, addend, rectified=rectified)
    made.backward(maps_of(shape, kind, 3).detach())
    gradients = [maps.grad, norm.weight.grad, norm.bias.grad, *([addend.grad] if added else [])]
    return made, [made.detach(), *gradients, norm.running_mean, norm.running_var, norm.num_batches_tracked]


@compiled
@pytest.mark.parametrize("kind", TOLERANCE)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("added", "rectified"), [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("shape", SHAPES)
def test_values_gradients_and_statistics_are_torchs(kind, training, added, rectified, shape):
    options = {"training": training, "added": added, "rectified": rectified}
    made, ours = answers(normalised, shape, kind, **options)
    _, theirs = answers(as_torch, shape, kind, **options)
    assert "Normalise" in type(made.grad_fn).__name__
    turned = 3 if kind == torch.float32 and rectified else 0  # sums next to zero, of which one may be rounded above it
    for one, other in zip(ours, theirs, strict=True):
        apart = (one.double() - other.double()).abs() / (float(other.double().abs().max()) + 1e-3)
        assert apart.shape == other.shape
        assert int((apart > TOLERANCE[kind]).sum()) <= turned * (1 if one.dim() == 4 else 2)


@compiled
@pytest.mark.parametrize("added", [False, True])
def test_of_bfloat16_it_is_nearer_to_the_exact_answer_than_torch(added):
    options = {"training": True, "added": added, "rectified": True, "mean": 0.0}
    shape = (4, 64, 12, 12)
    norm = norm_of(64, torch.float32, True).double()
    maps, addend = (maps_of(shape, torch.bfloat16, seed).detach().double() for seed in (1, 2))
    exact = as_torch(norm, maps, addend if added else None, rectified=True).detach()
    distances = []
    for function in (normalised, as_torch):
        made, _ = answers(function, shape, torch.bfloat16, **options)
        assert made.dtype == torch.bfloat16
        distances.append(float((made.detach().double() - exact).norm() / exact.norm()))
    assert distances[0] <= distances[1] * 1.05
    assert distances[0] < 2**-9


@compiled
def test_a_large_mean_costs_no_precision_of_the_variance():
    """float32 keeps 0.01 of these values; the exact variance is that of what is kept."""
    norm, maps = nn.BatchNorm2d(8), maps_of((8, 8, 32, 32), torch.float32, 0, mean=100_000.0)
    normalised(norm, maps)
    exact = maps.detach().double().var(dim=(0, 2, 3), unbiased=True)
    torch.testing.assert_close(norm.running_var.double(), 0.9 + 0.1 * exact, rtol=1e-4, atol=0)


@compiled
@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_two_runs_are_equal_to_the_last_bit_and_threads_change_only_the_order_of_sums(threads):
    options = {"training": True, "added": True, "rectified": True}
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        runs = [answers(normalised, (2, 24, 3, 1), torch.float64, **options)[1] for _ in range(2)]
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))
    theirs = answers(as_torch, (2, 24, 3, 1), torch.float64, **options)[1]
    for one, other in zip(runs[0], theirs, strict=True):
        torch.testing.assert_close(one, other)


@compiled
def test_a_value_that_is_no_number_stays_none():
    norm, maps = nn.BatchNorm2d(4).eval(), torch.zeros(1, 4, 4, 4).contiguous(memory_format=torch.channels_last)
    maps[0, 2, 1, 1] = torch.nan
    made = normalised(norm, maps, rectified=True)
    assert torch.equal(made.isnan(), maps.isnan())
    short = normalised(norm, maps.bfloat16(), rectified=True)
    assert torch.equal(short.isnan(), maps.isnan())


@compiled
@pytest.mark.parametrize("left_out", ["maps", "norm"])
def test_gradients_come_for_what_wants_them(left_out):
    norm, maps = norm_of(16, torch.float64, True), maps_of((2, 16, 6, 6), torch.float64, 0)
    other_norm, other = copy.deepcopy(norm), maps_of((2, 16, 6, 6), torch.float64, 0)
    for one in (maps, other) if left_out == "maps" else (*norm.parameters(), *other_norm.parameters()):
        one.requires_grad_(False)
    normalised(norm, maps, rectified=True).square().sum().backward()
    as_torch(other_norm, other, rectified=True).square().sum().backward()
    for one, two in zip((maps, *norm.parameters()), (other, *other_norm.parameters()), strict=True):
        assert (one.grad is None) == (two.grad is None)
        if one.grad is not None:
            torch.testing.assert_close(one.grad, two.grad)


@pytest.mark.parametrize(
    "change",
    [
        lambda norm, maps: (norm, maps.contiguous()),
        lambda norm, maps: (nn.BatchNorm2d(16, affine=False).double(), maps),
        lambda norm, maps: (nn.BatchNorm2d(16, momentum=None).double(), maps),
        lambda norm, maps: (nn.BatchNorm2d(16, track_running_stats=False).double(), maps),
        lambda norm, maps: (norm.float(), maps.half()),
    ],
)
def test_what_the_kernels_do_not_know_is_left_to_torch(change):
    norm, maps = change(norm_of(16, torch.float64, True), maps_of((2, 16, 6, 5), torch.float64, 0).detach())
    expected = as_torch(copy.deepcopy(norm), maps, rectified=True)
    assert torch.equal(normalised(norm, maps, rectified=True), expected)


def test_one_value_for_a_channel_is_refused_as_torch_refuses_it():
    maps = torch.ones(1, 4, 1, 1).contiguous(memory_format=torch.channels_last)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        normalised(nn.BatchNorm2d(4), maps)


@pytest.mark.parametrize("compiler", ["none", "no-such-compiler", "false"])
def test_without_a_compiler_there_are_no_kernels(monkeypatch, tmp_path, compiler):
    monkeypatch.setenv(SWITCH, compiler)
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path))
    assert kernels.__wrapped__() is None


@compiled
def test_kernels_are_compiled_once_and_kept_under_a_name_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path))
    assert kernels.__wrapped__() is not None
    (kept,) = (tmp_path / "kernels").iterdir()
    written = kept.stat().st_mtime_ns
    assert kernels.__wrapped__() is not None
    assert kept.stat().st_mtime_ns == written
