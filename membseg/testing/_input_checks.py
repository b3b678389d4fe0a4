"""Checks of kinds of images: dtypes, layouts and lists, and what must be refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from membseg.testing._expect import expect, expect_close, expect_refused
from membseg.testing._fits import METHODS, call_all, copy_of, first_fit, make_slices


def check_dtypes(name: str, estimator: Any) -> None:
    """Images as uint8, uint16, int32, float32 and float64 give the same."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    wanted = call_all(fitted, X)
    for dtype in (np.uint16, np.int32, np.float32, np.float64):
        for method, got in call_all(fitted, X.astype(dtype)).items():
            what = f"{name}.{method} of X as {np.dtype(dtype)} instead of uint8"
            expect_close(got, wanted[method], what)


def check_layouts(name: str, estimator: Any) -> None:
    """Read-only, Fortran-ordered and memory-mapped images and those of one channel do as well."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    wanted = call_all(fitted, X)
    read_only = X.copy()
    read_only.flags.writeable = False
    with memory_mapped(X) as (mapped,):
        for layout, images in (
            ("read-only", read_only),
            ("Fortran-ordered", np.asfortranarray(X)),
            ("reversed in memory", X[:, ::-1].copy()[:, ::-1]),
            ("memory-mapped", mapped),
            ("one-channel", X[..., np.newaxis]),
        ):
            for method, got in call_all(fitted, images).items():
                expect_close(got, wanted[method], f"{name}.{method} of {layout} X")


def check_fit_on_memory_mapped(name: str, estimator: Any) -> None:
    """fit on read-only memory-mapped X and y learns the same."""
    twin = copy_of(estimator)
    with memory_mapped(*make_slices()) as (X, y):
        twin.fit(X, y)
    _expect_same_maps(name, estimator, twin, "read-only memory-mapped X and y")


def check_fit_on_fortran_ordered(name: str, estimator: Any) -> None:
    """fit on Fortran-ordered float64 X and Fortran-ordered y learns the same."""
    X, y = make_slices()
    twin = copy_of(estimator)
    twin.fit(np.asfortranarray(X.astype(np.float64)), np.asfortranarray(y))
    _expect_same_maps(name, estimator, twin, "Fortran-ordered X (float64) and y")


def check_fit_on_lists(name: str, estimator: Any) -> None:
    """fit, predict and score take lists of images of different sizes."""
    X, y = make_slices()
    cuts = [np.s_[:, :], np.s_[:30, :31], np.s_[:, :24], np.s_[:29, :]]
    images = [image[cut] for image, cut in zip(X, cuts, strict=True)]
    masks = [mask[cut] for mask, cut in zip(y, cuts, strict=True)]
    twin = copy_of(estimator)
    twin.fit(images, masks)
    got, wanted = [m.shape for m in twin.predict(images)], [m.shape for m in masks]
    expect(got == wanted, f"{name}.predict must give masks of the sizes {wanted}; got {got}.")
    score = twin.score(images, masks)
    expect(np.isfinite(score), f"{name}.score of lists must be finite; got {score!r}.")


def check_colour_images(name: str, estimator: Any) -> None:
    """fit and predict take images of several channels, (n_images, height, width, channels)."""
    X, y = make_slices()
    colour = np.stack([X, 255 - X, X // 2], axis=-1)
    twin = copy_of(estimator)
    twin.fit(colour, y)
    for method, got in call_all(twin, colour).items():
        wanted = (len(X), 2, *X.shape[1:]) if method == "predict_proba" else X.shape
        expect(
            np.shape(got) == wanted,
            f"{name}.{method} of images of 3 channels must have shape {wanted}; got "
            f"{np.shape(got)}.",
        )


def check_negative_images(name: str, estimator: Any) -> None:
    """fit and predict take images with negative values."""
    X, y = make_slices()
    negative = X.astype(np.int16) - 200
    twin = copy_of(estimator)
    twin.fit(negative, y)
    logits = twin.decision_function(negative)
    expect(
        np.isfinite(logits).all(),
        f"{name}.decision_function of images with negative values must be finite.",
    )


def check_channel_mismatch_refused(name: str, estimator: Any) -> None:
    """Images of other channels than those of fit are refused at predict."""
    X, _ = make_slices()
    colour = np.stack([X, X, X], axis=-1)
    _expect_refused_by_all(name, estimator, colour, "images of 3 channels after fit on 1")


def check_nan_refused(name: str, estimator: Any) -> None:
    """NaN and infinite pixels are refused, in fit and at predict, with ValueError."""
    X, y = make_slices()
    for value in (np.nan, np.inf, -np.inf):
        bad = X.astype(np.float32)
        bad[1, 5, 7] = value
        fit = partial(copy_of(estimator).fit, bad, y)
        expect_refused(fit, f"{value} in X of {name}.fit", errors=(ValueError,))
        what = f"{value} in one pixel"
        _expect_refused_by_all(name, estimator, bad, what, errors=(ValueError,))


def check_empty_refused(name: str, estimator: Any) -> None:
    """X without images or without pixels is refused, in fit and at predict, with ValueError."""
    X, y = make_slices()
    for bad, masks in ((X[:0], y[:0]), (X[:, :0], y[:, :0]), ([], [])):
        what = f"X of shape {np.shape(bad)}"
        fit = partial(copy_of(estimator).fit, bad, masks)
        expect_refused(fit, f"{what} in {name}.fit", errors=(ValueError,))
        _expect_refused_by_all(name, estimator, bad, what, errors=(ValueError,))


def check_unreal_refused(name: str, estimator: Any) -> None:
    """Complex numbers, strings and arrays of objects are refused, in fit and at predict."""
    X, y = make_slices()
    for bad in (X * 1j, X.astype(str), np.full(X.shape, None)):
        what = f"X of dtype {bad.dtype}"
        expect_refused(partial(copy_of(estimator).fit, bad, y), f"{what} in {name}.fit")
        _expect_refused_by_all(name, estimator, bad, what)


def check_single_image_refused(name: str, estimator: Any) -> None:
    """One image without the axis of images is refused, in fit and at predict."""
    X, y = make_slices()
    fit = partial(copy_of(estimator).fit, X[0], y[0])
    expect_refused(fit, f"X of shape {X[0].shape} in {name}.fit", errors=(ValueError,))
    _expect_refused_by_all(name, estimator, X[0], "one 2-D image", errors=(ValueError,))


def check_y_none_refused(name: str, estimator: Any) -> None:
    """fit without y is refused in the words that scikit-learn expects."""
    X, _ = make_slices()
    text = "requires y to be passed, but the target y is None"
    fit = partial(copy_of(estimator).fit, X, None)
    expect_refused(fit, f"y=None in {name}.fit", errors=(ValueError,), text=text)


def check_bad_masks_refused(name: str, estimator: Any) -> None:
    """fit refuses masks that hold NaN, or three values."""
    X, y = make_slices()
    nan, third = y.astype(np.float64), y.copy()
    nan[1, 5, 7] = np.nan
    third[1, 5, 7] = 2
    for bad, what in ((nan, "NaN"), (third, "three values")):
        fit = partial(copy_of(estimator).fit, X, bad)
        expect_refused(fit, f"y with {what} in {name}.fit", errors=(ValueError,))


def check_sizes_refused(name: str, estimator: Any) -> None:
    """fit refuses X and y of different lengths, heights or widths."""
    X, y = make_slices()
    for bad in (y[:3], y[:, :-1], y[:, :, :-1], y.transpose(0, 2, 1)):
        fit = partial(copy_of(estimator).fit, X, bad)
        what = f"X of shape {X.shape} with y of shape {bad.shape} in {name}.fit"
        expect_refused(fit, what, errors=(ValueError,))


@contextmanager
def memory_mapped(*arrays: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Keep arrays in files for a while, and give read-only views of those."""
    # Where the views outlive the files (Windows), leave the files to the system.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        views = []
        for i, array in enumerate(arrays):
            path = Path(folder) / f"{i}.npy"
            np.save(path, array)
            views.append(np.load(path, mmap_mode="r"))
        yield views


def _expect_same_maps(name: str, estimator: Any, twin: Any, what: str) -> None:
    X, _ = make_slices()
    got, wanted = call_all(twin, X), call_all(first_fit(estimator).fitted, X)
    for method in wanted:
        expect_close(got[method], wanted[method], f"{name}.{method} after fit on {what}")


def _expect_refused_by_all(name: str, estimator: Any, X: Any, what: str, **options: Any) -> None:
    fitted = first_fit(estimator).fitted
    for method in METHODS:
        if hasattr(fitted, method):
            call = partial(getattr(fitted, method), X)
            expect_refused(call, f"{what} in {name}.{method}", **options)
