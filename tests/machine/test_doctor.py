import json
import platform

import pytest
import torch
from torch.nn import functional

from striate.errors import SettingsError
from striate.machine.doctor import doctor


def test_this_machine_convolves_right_and_says_so():
    findings = doctor("cpu")
    assert findings.healthy
    assert 0 <= findings.difference < 1e-5


def test_a_machine_that_convolves_wrong_is_not_healthy(monkeypatch):
    right = functional.conv2d
    monkeypatch.setattr(functional, "conv2d", lambda x, w: right(x, w) * (1.001 if x.dtype == torch.float32 else 1))
    findings = doctor("cpu")
    assert not findings.healthy
    assert findings.difference == pytest.approx(1e-3, rel=0.01)


def test_the_findings_are_plain_values_ready_for_json():
    findings = doctor("cpu").to_dict()
    assert json.loads(json.dumps(findings)) == findings
    assert findings["versions"]["python"] == platform.python_version()
    assert findings["versions"]["torch"] == torch.__version__
    assert findings["choices"]["device"] == {"value": "cpu", "why": "asked for"}
    assert set(findings["choices"]) == {"device", "number_format", "memory_format", "threads", "allocator", "kernels"}
    assert findings["self_test"]["healthy"]


def test_the_doctor_knows_no_device_that_is_not_there():
    with pytest.raises(SettingsError):
        doctor("tpu")
