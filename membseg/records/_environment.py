"""Where an experiment ran."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from membseg import __version__

#: Packages whose versions can change what a fit gives.
_PACKAGES = ("keras", "tensorflow", "jax", "numpy", "scipy", "scikit-image", "scikit-learn")
_CPU_INFO = Path("/proc/cpuinfo")


def describe_environment() -> dict[str, Any]:
    """Name versions, backend, processors, accelerators, system and commit.

    Returns
    -------
    dict
        What is not known is None.
    """
    found: dict[str, Any] = {"membseg": __version__, "python": platform.python_version()}
    found |= {package: _version(package) for package in _PACKAGES}
    return found | {
        "backend": _backend(),
        "os": platform.platform(),
        "cpu": _cpu(),
        "n_cpus": os.cpu_count(),
        "accelerators": _accelerators(),
        "git_commit": _git_commit(Path.cwd()),
    }


def peak_memory() -> dict[str, float]:
    """Give the most memory that this process has had so far, in bytes, where the system says it."""
    try:
        import resource
    except ImportError:
        # Not on Windows.
        return {}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes everywhere but on macOS.
    return {"peak_bytes": peak * (1 if sys.platform == "darwin" else 1024)}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _backend() -> str | None:
    """Keras's backend, if Keras has been used: asking would load it."""
    keras = sys.modules.get("keras")
    return None if keras is None else keras.backend.backend()


def _cpu() -> str | None:
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or None
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or None


def _accelerators() -> list[str]:
    """Names of the backend's devices besides processors, with their models where it knows them."""
    keras = sys.modules.get("keras")
    if keras is None:
        return []
    devices = [d for d in keras.distribution.list_devices() if not d.lower().startswith("cpu")]
    models = _models(keras.backend.backend())
    if len(models) != len(devices):
        return devices
    return [f"{device} {model}".strip() for device, model in zip(devices, models, strict=True)]


def _models(backend: str) -> list[str]:
    """Models of the accelerators, in the backend's order."""
    module = sys.modules.get(backend)
    if backend == "jax" and module is not None:
        return [d.device_kind for d in module.devices() if d.platform != "cpu"]
    if backend == "tensorflow" and module is not None:
        details = module.config.experimental.get_device_details
        cards = module.config.list_physical_devices("GPU")
        return [str(details(card).get("device_name", "")) for card in cards]
    return []


def _git_commit(folder: Path) -> str | None:
    """Read the commit of the repository that a folder lies in, without running git."""
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        if git.is_dir():
            try:
                head = (git / "HEAD").read_text(encoding="utf-8").strip()
                name = head.removeprefix("ref: ")
                return head if name == head else _read_reference(git, name)
            except (OSError, UnicodeDecodeError):
                return None
    return None


def _read_reference(git: Path, name: str) -> str | None:
    loose = git / name
    if loose.is_file():
        return loose.read_text(encoding="utf-8").strip()
    packed = git / "packed-refs"
    if packed.is_file():
        for line in packed.read_text(encoding="utf-8").splitlines():
            commit, _, reference = line.partition(" ")
            if reference == name:
                return commit
    return None
