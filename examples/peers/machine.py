"""What a result was measured on, and how much memory it took."""

import os
import platform
import resource
import sys
from importlib import metadata, util
from pathlib import Path
from typing import Any

#: Packages whose versions are kept.
_PACKAGES = (
    "membseg", "numpy", "scipy", "scikit-learn", "scikit-image", "keras", "tensorflow", "jax",
    "torch",
)  # fmt: skip

#: Instructions that decide how fast bfloat16 is.
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")


def describe_machine() -> dict[str, Any]:
    """Describe processor, memory, GPU and versions, without importing anything heavy."""
    info = _read("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    flags = next((line.split() for line in info if line.startswith("flags")), [])
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "flags": [flag for flag in _FLAGS if flag in flags],
        "memory_gb": round(_memory_bytes() / 2**30, 1),
        "gpu": _gpus(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "versions": {name: _version(name) for name in _PACKAGES if _version(name)},
    }


def same_machine(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Tell whether timings of both may stand in one table."""
    return all(first[name] == second[name] for name in ("processor", "cores", "flags", "gpu"))


def is_installed(package: str) -> bool:
    """Tell whether a package can be imported, without importing it."""
    return util.find_spec(package) is not None


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes."""
    peak = _status("VmHWM")
    if peak is not None:
        return peak
    # Not Linux. There getrusage would count the process that started this one, too.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def own_memory() -> int | None:
    """Memory of this process that no file backs, in bytes; None where the system does not say."""
    return _status("RssAnon")


def _status(name: str) -> int | None:
    for line in _read("/proc/self/status"):
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    return None


def _read(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        # Not Linux.
        return []


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gpus() -> list[str]:
    """Names of the NVIDIA cards that the driver lists."""
    found = Path("/proc/driver/nvidia/gpus").glob("*/information")
    return [
        line.partition(":")[2].strip()
        for path in sorted(found)
        for line in _read(str(path))
        if line.startswith("Model")
    ]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
