"""What a BioImage.IO package says about itself: its rdf.yaml and its README."""

from typing import Any

from membseg.export._bioimageio_sample import smallest_tile

#: The oldest format that has all that is said here, so that older tools read it too.
FORMAT = "0.5.4"

#: Names of the files in a package.
FILES = {
    "input": "test_input.npy",
    "output": "test_output.npy",
    "weights": "weights.onnx",
    "readme": "README.md",
}

#: Cited where nothing else is: older readers refuse a package that cites nothing.
UNET_PAPER = {
    "text": "Ronneberger, Fischer, Brox (2015), U-Net: Convolutional Networks for Biomedical "
    "Image Segmentation, MICCAI",
    "doi": "10.1007/978-3-319-24574-4_28",
}

_README = """# {name}

{description}

A network trained with membseg {version} ({segmenter}). It takes one slice at a time, with
{n_channels} channel(s), and gives the probability of membrane for every pixel, from 0 to 1.

- A pixel is called membrane from a probability of {threshold:.6g} on.
- Pixels are given as they come from the microscope: {normalisation}
- Tiles are {smallest} pixels a side, or any multiple of {factor} more. {halo} pixels along each
  edge of a tile are for context; they are cut off.
- {exactness}

## Validation

Segment slices that the network has not learnt from and that people have labelled, cut the
probability at the threshold above, and compare both masks, by the intersection over union of
membrane, for example.
"""

_NORMALISATIONS = {
    "image": "each image gets zero mean and unit variance before the network.",
    "percentile": "the 1st and 99th percentile of each image become -1 and 1 before the network.",
    "fixed": "they are moved and scaled by fixed numbers, so that all images must come from the "
    "same kind of recording.",
    "none": "nothing is done to them, so that all images must have the same kind of intensities.",
}


def describe_tensors(
    metadata: dict[str, Any], steps: list[dict[str, Any]], hashes: dict[str, str]
) -> dict[str, Any]:
    """Describe input and output.

    Parameters
    ----------
    metadata : dict
        Of the exported graph.
    steps : list of dict
        Its preprocessing.
    hashes : dict
        SHA-256 of each file, by its name.

    Returns
    -------
    dict
        The entries "inputs" and "outputs" of rdf.yaml.
    """
    size = {"min": smallest_tile(metadata), "step": metadata["factor"]}
    # A halo of nothing is not written.
    halo = {"halo": metadata["halo"]} if metadata["halo"] else {}
    names = [f"channel{i}" for i in range(metadata["n_channels"])]
    image = {
        "id": "image",
        "description": "A slice, as it comes from the microscope.",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": names},
            *(_space(axis, size=dict(size), concatenable=True) for axis in "yx"),
        ],
        "data": {"type": "float32"},
        "preprocessing": steps,
        "test_tensor": _file(FILES["input"], hashes),
    }
    membrane = {
        "id": "membrane",
        "description": "Probability of membrane.",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": ["membrane"]},
            *(_space(axis, size={"tensor_id": "image", "axis_id": axis}, **halo) for axis in "yx"),
        ],
        "data": {"type": "float32", "range": [0.0, 1.0]},
        "test_tensor": _file(FILES["output"], hashes),
    }
    return {"inputs": [image], "outputs": [membrane]}


def _space(axis: str, **about: Any) -> dict[str, Any]:
    return {"type": "space", "id": axis} | about


def _file(name: str, hashes: dict[str, str]) -> dict[str, str]:
    return {"source": name, "sha256": hashes[name]}


def write_readme(
    metadata: dict[str, Any], name: str, description: str, *, fixed: bool = False
) -> str:
    """Write the page that comes with a package.

    Parameters
    ----------
    metadata : dict
        Of the exported graph.
    name, description : str
        Of the package.
    fixed : bool, default=False
        Whether pixels are scaled by fixed numbers.

    Returns
    -------
    str
        Markdown.
    """
    mode = metadata["intensity_norm"]
    always_fixed = mode == "stack" or (fixed and mode != "none")
    exact = "Tiles give what the whole image gives."
    about = "Tiles differ slightly from the whole image: the network looks at all of its input."
    shown = ("segmenter", "n_channels", "threshold", "factor", "halo")
    return _README.format(
        name=name,
        description=description,
        version=metadata["membseg_version"],
        normalisation=_NORMALISATIONS["fixed" if always_fixed else mode],
        smallest=smallest_tile(metadata),
        exactness=exact if metadata["tile_exact"] else about,
        **{key: metadata[key] for key in shown},
    )
