"""What has been trained already: where it lies, and what is known of it."""

from dataclasses import dataclass
from typing import Any

#: The `source` of files that come with the package.
PACKAGE = "package"


@dataclass(frozen=True)
class PretrainedEntry:
    """A segmenter that has been trained already.

    Attributes
    ----------
    name : str
        What :func:`load_pretrained` calls it.
    segmenter : str
        Its class.
    good_for, not_for : str
        What to use it for, and what not.
    terms : str
        Licence of the file.
    n_bytes : int
        Size of the file.
    source : str
        "package", or the address (https or http) of a model file.
    filename : str
        Where it lies: below the package, or in the data home.
    sha256 : str
        Checksum of the file.
    record : dict
        How it was trained and what it scored; plain values.
    """

    name: str
    segmenter: str
    good_for: str
    not_for: str
    terms: str
    n_bytes: int
    source: str
    filename: str
    sha256: str
    record: dict[str, Any]


_SYNTHETIC_UNET = PretrainedEntry(
    name="synthetic_unet",
    segmenter="UNetSegmenter",
    good_for=(
        "a first look, without a label, at electron micrographs with dark membranes of 4 to 8 px "
        "and cells of some 30 to 60 px (sections of nervous tissue at about 4 nm a pixel); a "
        "start for training on any slices of one channel"
    ),
    not_for=(
        "thin membranes (under 4 px) and other tissues or microscopes without training: there its "
        "masks are poor, and its probabilities are not calibrated for any real slice"
    ),
    terms="BSD-3-Clause",
    n_bytes=905_488,
    source=PACKAGE,
    filename="networks/weights/unet_synthetic.npz",
    sha256="b8c59dde7f79c2da60a7eacfee05422f46c4567e773bbb2759918962dfe9efc6",
    record={
        "data": (
            "synthetic slices only, by examples/train_initial_weights.py: 36 volumes of 4 slices "
            "of 512 x 512 px from make_membranes, 30 of them in the style of electron micrographs "
            "and 6 of fluorescence; no real slice, though the generator imitates ISBI 2012"
        ),
        "recipe": {
            "initial_weights": "random",
            "depth": 3,
            "base_filters": 16,
            "stem_stride": 2,
            "augmentation": "d4+scale+intensity+blur+noise",
            "batch_size": 8,
            "patch_size": 192,
            "validation_fraction": 0.02,
        },
        "seed": {"slices": 2026, "training": 0},
        "n_steps": 8439,
        "history": "not kept",
        "precision": "weights rounded to half precision",
        "membseg": "0.1.0",
        "date": "2026-11-23",
        "threshold": (
            "0.36, by the rule of threshold='auto' on 48 synthetic slices of another seed "
            "(examples/first_look.py)"
        ),
        # By examples/first_look.py: eight views, bfloat16; V_Rand and V_Info at their best cuts.
        "scores": {
            "12 synthetic slices": {"v_rand": 0.960, "v_info": 0.977, "dice": 0.850, "iou": 0.738},
            "ISBI 2012, 00-18": {"v_rand": 0.950, "v_info": 0.976, "dice": 0.797, "iou": 0.663},
            "ISBI 2012, 20-24": {"v_rand": 0.950, "v_info": 0.967, "dice": 0.794, "iou": 0.659},
            "FIB-SEM, medulla, 00-39": {
                "v_rand": 0.716,
                "v_info": 0.798,
                "dice": 0.397,
                "iou": 0.247,
            },
        },
    },
)

#: Name -> entry.
REGISTRY = {entry.name: entry for entry in (_SYNTHETIC_UNET,)}
