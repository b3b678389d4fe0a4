"""Volumes as arrays: NumPy, HDF5 and MRC files."""

from pathlib import Path
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.io._stored import StoredStack
from membseg.io._units import square_pixel, unit_in_nm
from membseg.utils import import_optional

_MRC_DTYPES = ("int8", "int16", "uint8", "uint16", "float16", "float32")
#: IMOD marks its files with this number; the flag after it says that bytes are signed.
_IMOD_STAMP = 1146047817


def read_npy(path: Path, dataset: str | int | None) -> StoredStack:
    """Read a NumPy array; pickled objects are refused."""
    return StoredStack(array=np.load(path, allow_pickle=False))


def write_npy(path: Path, stack: np.ndarray) -> None:
    """Write a stack as it is."""
    np.save(path, stack, allow_pickle=False)


def read_hdf5(path: Path, dataset: str | int | None) -> StoredStack:
    """Read one dataset of an HDF5 file with its attributes."""
    h5py = import_optional("h5py", extra="formats", purpose="Reading HDF5 files")
    with h5py.File(path, "r") as file:
        found: dict[str, Any] = {}

        def collect(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                found[name] = item

        file.visititems(collect)
        item = found[_choose_dataset(found, dataset, path)]
        axes = item.attrs.get("axes")
        return StoredStack(
            array=item[()],
            axes=axes if isinstance(axes, str) else None,
            pixel_size=_hdf5_pixel_size(item.attrs),
        )


def write_hdf5(path: Path, stack: np.ndarray, pixel_size: float | None, dataset: str) -> None:
    """Write one dataset with its axes and, where known, its pixel size in nm."""
    h5py = import_optional("h5py", extra="formats", purpose="Writing HDF5 files")
    with h5py.File(path, "w") as file:
        item = file.create_dataset(dataset, data=stack)
        item.attrs["axes"] = "ZYX" if stack.ndim == 3 else "ZYXC"
        if pixel_size is not None:
            item.attrs["pixel_size"] = pixel_size
            item.attrs["unit"] = "nm"


def _choose_dataset(found: dict[str, Any], dataset: str | int | None, path: Path) -> str:
    if isinstance(dataset, str) and dataset.strip("/") in found:
        return dataset.strip("/")
    if dataset is None:
        images = [name for name, item in found.items() if item.ndim >= 2]
        if len(images) == 1:
            return images[0]
    present = {name: item.shape for name, item in found.items()}
    got = "it holds no single image dataset" if dataset is None else f"got {dataset!r}"
    raise InvalidInputError(
        f"dataset must be the name of a dataset in {path}; {got}. Present, with their shapes: "
        f"{present}."
    )


def _hdf5_pixel_size(attributes: Any) -> float | None:
    if "pixel_size" in attributes:
        factor = unit_in_nm(attributes.get("unit", "nm"))
        sides = np.ravel(attributes["pixel_size"])
    elif "element_size_um" in attributes:  # the convention of ilastik's and PlantSeg's files
        factor, sides = 1e3, np.ravel(attributes["element_size_um"])
    else:
        return None
    if factor is None:
        return None
    return square_pixel(float(sides[-1]) * factor, float(sides[max(len(sides) - 2, 0)]) * factor)


def read_mrc(path: Path, dataset: str | int | None) -> StoredStack:
    """Read an MRC file; rows are given in the order of the file."""
    mrcfile = import_optional("mrcfile", extra="formats", purpose="Reading MRC files")
    with mrcfile.open(path, mode="r", permissive=False) as mrc:
        array = np.array(mrc.data)
        if array.dtype == np.int8 and _is_imod_unsigned(mrc.header):
            array = array.view(np.uint8)
        # MRC gives lengths in angstroms, and 0 for "not known".
        x, y = (float(side) / 10 for side in (mrc.voxel_size.x, mrc.voxel_size.y))
    axes = {2: "YX", 3: "ZYX", 4: "TZYX"}[array.ndim]
    return StoredStack(array=array, axes=axes, pixel_size=square_pixel(x, y))


def _is_imod_unsigned(header: Any) -> bool:
    order = header.nlabl.dtype.byteorder
    stamp, flags = np.frombuffer(header.extra2.tobytes()[40:48], dtype=f"{order}i4")
    return bool(stamp == _IMOD_STAMP and not flags & 1)


def check_mrc(stack: np.ndarray) -> None:
    """Refuse what MRC has no mode for."""
    if stack.ndim == 4:
        raise InvalidInputError(
            f"MRC holds one channel; stack has {stack.shape[3]}. Save it as .tif, .h5 or .npy, or "
            "one file a channel."
        )
    if stack.dtype.name not in _MRC_DTYPES:
        raise InvalidInputError(
            f"MRC holds {', '.join(_MRC_DTYPES)}; stack is {stack.dtype.name}. Convert it, e.g. "
            "with stack.astype(np.float32), or save it as .tif, .h5 or .npy."
        )


def write_mrc(path: Path, stack: np.ndarray, pixel_size: float | None) -> None:
    """Write a stack; `pixel_size` in nm. MRC has no unsigned bytes: uint8 becomes uint16."""
    mrcfile = import_optional("mrcfile", extra="formats", purpose="Writing MRC files")
    data = stack.astype(np.uint16) if stack.dtype == np.uint8 else stack
    with mrcfile.new(path) as mrc:
        mrc.set_data(data)
        mrc.set_image_stack()
        if pixel_size is not None:
            mrc.voxel_size = 10 * pixel_size
