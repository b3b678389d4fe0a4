"""Precision "auto" follows the machine."""

import keras
import pytest

from membseg.training import _precision, choose_policy


@pytest.mark.parametrize(
    ("flags", "devices", "policy"),
    [
        ("flags : avx512_bf16 amx_bf16 amx_tile", ["cpu:0"], "mixed_bfloat16"),
        ("flags : avx512_bf16", ["cpu:0"], "float32"),
        (None, ["cpu:0"], "float32"),
        ("flags : sse2", ["cpu:0", "gpu:0"], "mixed_bfloat16"),
    ],
)
def test_auto_takes_bfloat16_where_there_are_matrix_units(
    monkeypatch, tmp_path, flags, devices, policy
):
    info = tmp_path / "cpuinfo"
    if flags is not None:
        info.write_text(flags)
    monkeypatch.setattr(_precision, "_CPU_INFO", info)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: devices)
    assert choose_policy("auto") == policy
    assert choose_policy("float32") == "float32"
    assert choose_policy("bfloat16") == "mixed_bfloat16"
