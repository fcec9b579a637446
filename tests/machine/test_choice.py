import os
from dataclasses import replace

import pytest
import torch
from torch import nn

from striate.errors import SettingsError
from striate.machine import choice
from striate.machine.choice import choose, memory_limit


@pytest.fixture
def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 5)).eval()


@pytest.fixture
def images():
    return torch.rand(7, 3, 8, 8)


@pytest.fixture
def container(monkeypatch):
    """Put the process into a control group: `container({"cpu.max": "150000 100000"})`."""
    return lambda files: monkeypatch.setattr(choice, "_cgroup", lambda name: files.get(name, "").split())


def test_the_processor_is_always_there_and_every_choice_has_its_reason():
    machine = choose("cpu")
    assert machine.device == torch.device("cpu")
    assert machine.threads >= 1
    assert machine.reasons.device == "asked for"
    assert all(machine.reasons)


@pytest.mark.parametrize("there", [False, True])
def test_a_gpu_is_chosen_if_and_only_if_there_is_one(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "H200")
    machine = choose()
    assert machine.device.type == ("cuda" if there else "cpu")
    assert machine.reasons.device == ("a GPU is here: H200" if there else "torch sees no CUDA device")


@pytest.mark.parametrize("name", ["tpu", "", "gpu", "cuda:x"])
def test_an_unknown_device_is_refused_with_the_known_ones(name):
    with pytest.raises(SettingsError, match=f"unknown device '{name}'; expected auto, cpu, cuda or cuda:N"):
        choose(name)


@pytest.mark.parametrize("name", ["mps", "meta"])
def test_a_device_that_striate_does_not_support_is_refused(name):
    with pytest.raises(SettingsError, match=f"device '{name}' is not supported"):
        choose(name)


@pytest.mark.parametrize(("name", "count"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)])
def test_a_gpu_that_is_not_there_is_refused_with_how_many_there_are(monkeypatch, name, count):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(SettingsError, match=f"torch sees {count} CUDA devices; use --device cpu"):
        choose(name)


def test_running_gives_the_process_its_threads_back_also_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), replace(choose("cpu"), threads=before + 1).running():
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("quota", "threads"),
    [("250000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8), ("max 100000", 8), ("", 8)],
)
def test_a_container_gets_as_many_threads_as_its_quota_allows(monkeypatch, container, quota, threads):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    container({"cpu.max": quota})
    assert choose("cpu").threads == threads


def test_placing_keeps_the_outputs(network, images):
    expected = network(images)
    placed = choose("cpu").place(network)
    assert placed is network
    assert placed[0].weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(placed(images), expected)


def test_arranging_changes_the_layout_and_not_the_values(images):
    arranged = choose("cpu").arrange(images)
    assert arranged.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(arranged, images)


def test_inference_is_the_plain_forward_without_gradients(network, images):
    outputs = choose("cpu").infer(network, iter(images.split(3)))
    torch.testing.assert_close(outputs, network(images).detach())
    assert not outputs.requires_grad


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="this system does not say how much memory it has")
def test_memory_is_limited_by_the_machine_and_by_its_container(container):
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < memory_limit() <= physical
    for words, expected in (("max", physical), ("", physical), ("1000000", 1_000_000), (str(10 * physical), physical)):
        container({"memory.max": words})
        assert memory_limit() == expected
