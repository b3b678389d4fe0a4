"""Where an experiment ran, as far as the machine tells it."""

import os
import platform
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import membseg
from membseg.records import _environment
from membseg.records._environment import describe_environment, peak_memory


def test_versions_and_machine(fitted):
    found = describe_environment()
    assert found["membseg"] == membseg.__version__
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["backend"] == sys.modules["keras"].backend.backend()
    assert found["n_cpus"] == os.cpu_count()
    assert found["cpu"] is None or isinstance(found["cpu"], str)


def test_without_keras_nothing_is_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    found = describe_environment()
    assert found["backend"] is None
    assert found["accelerators"] == []
    assert "keras" not in sys.modules


def fake_keras(backend, devices):
    return SimpleNamespace(
        backend=SimpleNamespace(backend=lambda: backend),
        distribution=SimpleNamespace(list_devices=lambda: devices),
    )


def test_cards_of_jax_have_names(monkeypatch):
    devices = [SimpleNamespace(platform="gpu", device_kind="H100")]
    monkeypatch.setitem(sys.modules, "keras", fake_keras("jax", ["gpu:0"]))
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(devices=lambda: devices))
    assert _environment._accelerators() == ["gpu:0 H100"]


def test_cards_of_tensorflow_have_names(monkeypatch):
    config = SimpleNamespace(
        list_physical_devices=lambda kind: ["card"],
        experimental=SimpleNamespace(get_device_details=lambda card: {"device_name": "H100"}),
    )
    monkeypatch.setitem(sys.modules, "keras", fake_keras("tensorflow", ["cpu:0", "gpu:0"]))
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=config))
    assert _environment._accelerators() == ["gpu:0 H100"]


def test_devices_without_names(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", fake_keras("torch", ["CPU:0", "tpu:0"]))
    assert _environment._accelerators() == ["tpu:0"]


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": COMMIT},
        {"HEAD": "ref: refs/heads/main", "refs/heads/main": COMMIT},
        {"HEAD": "ref: refs/heads/main", "packed-refs": f"# pack-refs\n{COMMIT} refs/heads/main\n"},
    ],
)
def test_the_commit_is_read_without_git(files, tmp_path):
    for name, content in files.items():
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n", encoding="utf-8")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert _environment._git_commit(inner) == COMMIT


@pytest.mark.parametrize("files", [{}, {"HEAD": b"ref: refs/heads/new"}, {"HEAD": b"\xff"}])
def test_no_commit(files, tmp_path):
    (tmp_path / ".git").mkdir()
    for name, content in files.items():
        (tmp_path / ".git" / name).write_bytes(content)
    assert _environment._git_commit(tmp_path) is None


def test_a_system_without_its_processors_name(monkeypatch, tmp_path):
    monkeypatch.setattr(_environment, "_CPU_INFO", tmp_path / "none")
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    assert _environment._cpu() == "arm"
    (tmp_path / "none").write_text("processor : 0\n", encoding="utf-8")
    assert _environment._cpu() == "arm"


def test_a_system_that_does_not_tell_memory(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory() == {}
