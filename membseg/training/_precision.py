"""Which number format the machine computes in fastest."""

from pathlib import Path

import keras

#: What the parameter `precision` may be.
PRECISIONS = ("auto", "float32", "bfloat16")

_CPU_INFO = Path("/proc/cpuinfo")


def choose_policy(precision: str) -> str:
    """Translate `precision` to a Keras dtype policy.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        "auto" takes bfloat16 on a GPU or TPU, and on a processor with matrix units for it
        (Intel AMX). A processor that only has bfloat16 vector instructions (avx512_bf16) takes
        float32: TensorFlow trained half as fast in bfloat16 there.

    Returns
    -------
    str
        ``"float32"`` or ``"mixed_bfloat16"``.
    """
    if precision == "auto":
        precision = "bfloat16" if has_accelerator() or _has_amx() else "float32"
    return "mixed_bfloat16" if precision == "bfloat16" else "float32"


def has_accelerator() -> bool:
    """Whether Keras's backend has another device than processors."""
    return any(not device.lower().startswith("cpu") for device in keras.distribution.list_devices())


def _has_amx() -> bool:
    try:
        return "amx_bf16" in _CPU_INFO.read_text()
    except OSError:
        # Not Linux: no processor with AMX either.
        return False
