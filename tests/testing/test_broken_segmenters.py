"""Each check fails for a segmenter that is broken in one way, and passes for one that is whole."""

import copy
import random
import types
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from membseg.base import SegmenterMixin
from membseg.metrics import iou_score
from membseg.testing import check_segmenter
from membseg.testing._suite import ALL_CHECKS, OWN_CHECKS
from membseg.utils import (
    check_images,
    check_same_sizes,
    check_sample_weight,
    encode_masks,
    make_rng,
    restore_layout,
)
from membseg.utils._sklearn_compat import Interval, Real


class Whole(SegmenterMixin, BaseEstimator):
    """Calls membrane what is darker (or brighter) than the middle between the classes' means."""

    _parameter_constraints: ClassVar = {
        "slope": [Interval(Real, 0, None, closed="neither")],
        "ignore_label": [None, Real],
        "max_iter": "no_validation",
        "random_state": ["random_state"],
    }

    def __init__(self, slope=1.0, ignore_label=None, max_iter=3, random_state=None):
        self.slope = slope
        self.ignore_label = ignore_label
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        self._validate_params()
        images, masks = self.check(X, y)
        weights = check_sample_weight(sample_weight, images.sizes) or [1.0] * len(images)
        weights = [np.broadcast_to(w, m.shape) for w, m in zip(weights, masks.masks, strict=True)]
        means = [self.mean_of(images, masks, weights, code) for code in (0, 1)]
        self.middle_ = sum(means) / 2 + make_rng(self.random_state).normal()
        self.sign_ = np.sign(means[1] - means[0])
        self.n_channels_in_ = images.n_channels
        self.classes_ = masks.classes
        self.threshold_ = 0.5
        self.n_iter_ = 1
        return self

    def check(self, X, y):
        images = check_images(X)
        masks = encode_masks(y, ignore_label=self.ignore_label, two_classes=True)
        check_same_sizes(images.sizes, [mask.shape for mask in masks.masks])
        return images, masks

    def mean_of(self, images, masks, weights, code):
        parts = list(zip(images.images, masks.masks, weights, strict=True))
        total = sum(float((w * i.mean(axis=2))[m == code].sum()) for i, m, w in parts)
        return total / sum(float(w[m == code].sum()) for _, m, w in parts)

    def decision_function(self, X):
        check_is_fitted(self)
        stack = check_images(X, n_channels=self.n_channels_in_)
        logits = [self.logits(np.asarray(image, dtype=np.float64)) for image in stack.images]
        return restore_layout([z.astype(np.float32) for z in logits], as_list=stack.as_list)

    def logits(self, image):
        return self.sign_ * self.slope * (image.mean(axis=2) - self.middle_) / 32


def test_a_whole_segmenter_passes_every_check():
    results = check_segmenter(Whole())
    assert {r["check_name"]: r["status"] for r in results} == dict.fromkeys(ALL_CHECKS, "passed")


#: Name of the defect: (class, the checks that must fail).
BROKEN = {}


def broken(*checks):
    def remember(cls):
        BROKEN[cls.__name__] = (cls, set(checks))
        return cls

    return remember


def each(results, change):
    """Change a stack, or each item of a list."""
    return [change(r) for r in results] if isinstance(results, list) else change(results)


# ------------------------------------------------------------------------------- parameters


@broken("check_methods", "check_membrane_map", "check_out")
class HasNoMembraneMaps(Whole):
    predict_membrane = property()

    def predict_proba(self, X):
        p = each(self.decision_function(X), lambda z: 1 / (1 + np.exp(-z)))
        if isinstance(p, list):
            return [np.stack([1 - q, q]) for q in p]
        return np.stack([1 - p, p], axis=1)

    def predict(self, X):
        return each(
            self.predict_proba(X),
            lambda p: self.classes_[(p[..., 1, :, :] >= self.threshold_).astype(int)],
        )


@broken("check_signatures")
class NamesItsArgumentsOtherwise(Whole):
    def fit(self, X, masks=None, sample_weight=None):
        return super().fit(X, masks, sample_weight)


@broken("check_tags")
class IsAClassifier(ClassifierMixin, Whole):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        return tags

    score = Whole.score


@broken("check_tags")
class TellsNotThatItNeedsMasks(Whole):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags


@broken("check_tunables_are_scalars")
class HasATupleParameter(Whole):
    _parameter_constraints = Whole._parameter_constraints | {"widths": [tuple]}

    def __init__(self, slope=1.0, ignore_label=None, max_iter=3, random_state=None, widths=(4, 8)):
        super().__init__(slope, ignore_label, max_iter, random_state)
        self.widths = widths


@broken("check_param_validation")
class AcceptsNonsense(Whole):
    def _validate_params(self):
        pass

    def logits(self, image):
        return self.sign_ * (image.mean(axis=2) - self.middle_) / 32


@broken("check_param_validation")
class ForgetsAConstraint(Whole):
    _parameter_constraints: ClassVar = {
        key: value for key, value in Whole._parameter_constraints.items() if key != "slope"
    }


@broken("check_no_attributes_set_in_init")
class WorksInInit(Whole):
    def __init__(self, slope=1.0, ignore_label=None, max_iter=3, random_state=None):
        super().__init__(slope, ignore_label, max_iter, random_state)
        self.cache = None


# --------------------------------------------------------------------------------------- fit


@broken("check_fit_returns_self")
class ReturnsNone(Whole):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)


@broken("check_fit_leaves_parameters")
class ChangesItsParameter(Whole):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.slope = 2 * self.slope
        return self

    def logits(self, image):
        return self.sign_ * (image.mean(axis=2) - self.middle_) / 32


@broken("check_fit_leaves_input", "check_fit_on_memory_mapped")
class WritesIntoX(Whole):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        for image in X:
            image[:] = 0
        return self


@broken("check_fit_leaves_global_random_state")
class SeedsNumpy(Whole):
    def fit(self, X, y=None, sample_weight=None):
        np.random.seed(0)
        return super().fit(X, y, sample_weight)


@broken("check_fitted_attributes")
class AddsPlainAttributes(Whole):
    def fit(self, X, y=None, sample_weight=None):
        self.history = [1.0]
        return super().fit(X, y, sample_weight)


@broken("check_is_fitted_tells")
class SaysThatItIsFitted(Whole):
    def __sklearn_is_fitted__(self):
        return True

    def decision_function(self, X):
        if not hasattr(self, "middle_"):
            raise NotFittedError
        return super().decision_function(X)

    def predict(self, X, out=None):
        if not hasattr(self, "middle_"):
            raise NotFittedError
        return super().predict(X, out)


@broken("check_n_iter")
class CountsNoIterations(Whole):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.n_iter_ = 0
        return self


@broken(
    "check_fit_repeats",
    "check_fit_twice_equals_once",
    "check_mask_values",
    "check_fit_on_memory_mapped",
    "check_fit_on_fortran_ordered",
    "check_sample_weight_of_ones",
    "check_sample_weight_of_pixels",
    "check_ignored_pixels",
)
class IgnoresTheSeed(Whole):
    fits = 0

    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        IgnoresTheSeed.fits += 1
        self.middle_ += 5 * IgnoresTheSeed.fits
        return self


@broken("check_fit_twice_equals_once")
class GoesOnFromTheLastFit(Whole):
    def fit(self, X, y=None, sample_weight=None):
        old = getattr(self, "middle_", None)
        super().fit(X, y, sample_weight)
        if old is not None:
            self.middle_ = (old + self.middle_) / 2
        return self


@broken("check_mask_values")
class AlwaysPredictsZeroAndOne(Whole):
    def predict(self, X, out=None):
        found = each(super().predict(X, out), lambda m: (m == self.classes_[1]).astype(np.uint8))
        return found if out is None else out

    def score(self, X, y):
        predicted = self.predict(X)
        return iou_score(
            [np.asarray(m) == self.classes_[1] for m in y],
            [m == 1 for m in predicted],
            membrane_label=True,
            sample_weight=None if self.ignore_label is None else labelled(y, self.ignore_label),
        )


def labelled(y, ignore_label):
    return [(m != ignore_label).astype(float) for m in y]


# ------------------------------------------------------------------------------- predictions


@broken(
    "check_classes",
    "check_mask_values",
    "check_predict_follows_threshold",
    "check_score",
    "check_ignored_pixels",
)
class SortsItsClassesWrongly(Whole):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.classes_ = self.classes_[::-1]
        return self


@broken(
    "check_proba_layout",
    "check_membrane_map",
    "check_decision_function",
    "check_predict_follows_threshold",
    "check_any_size",
    "check_colour_images",
)
class PutsClassesLast(Whole):
    def predict_proba(self, X):
        return each(super().predict_proba(X), lambda p: np.moveaxis(p, -3, -1))


@broken("check_proba_layout")
class PredictsInDoublePrecision(Whole):
    def predict_proba(self, X):
        return each(super().predict_proba(X), lambda p: p.astype(np.float64))


@broken("check_proba_is_distribution")
class DoesNotSumToOne(Whole):
    def predict_proba(self, X):
        def halve(proba):
            proba[..., 0, :, :] /= 2
            return proba

        return each(super().predict_proba(X), halve)


@broken("check_membrane_map")
class HasAnotherMembraneMap(Whole):
    def predict_membrane(self, X, out=None):
        maps = super().predict_membrane(X)
        if out is not None:
            out[:] = maps / 2
            return out
        return each(maps, lambda p: p / 2)

    def predict_proba(self, X):
        maps = super().predict_membrane(X)
        if isinstance(maps, list):
            return [np.stack([1 - p, p]) for p in maps]
        return np.stack([1 - maps, maps], axis=1)

    def _predict_blocks(self, X, stack):
        for i, maps in enumerate(self.predict_proba(X)):
            yield i, slice(None), slice(None), maps[1]


@broken("check_decision_function")
class GivesProbabilitiesAsLogits(Whole):
    def predict_membrane(self, X, out=None):
        maps = each(super().decision_function(X), lambda z: 1 / (1 + np.exp(-z)))
        if out is not None:
            out[:] = maps
            return out
        return maps

    def decision_function(self, X):
        return self.predict_membrane(X)


@broken("check_predict_follows_threshold")
class CutsAboveTheThreshold(Whole):
    def predict(self, X, out=None):
        def cut(p):
            return self.classes_[(p > self.threshold_).astype(int)]

        masks = each(self.predict_membrane(X), cut)
        if out is not None:
            out[:] = masks
            return out
        return masks


@broken("check_predict_follows_threshold")
class HasNoThreshold(CutsAboveTheThreshold):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.threshold_ = None
        return self

    def predict(self, X, out=None):
        check_is_fitted(self)
        self_ = types.SimpleNamespace(
            predict_membrane=self.predict_membrane, classes_=self.classes_, threshold_=0.5
        )
        return CutsAboveTheThreshold.predict(self_, X, out)


@broken("check_out")
class IgnoresOut(Whole):
    def predict_membrane(self, X, out=None):
        return super().predict_membrane(X)


@broken("check_score", "check_ignored_pixels")
class ScoresByAccuracy(Whole):
    def score(self, X, y, sample_weight=None):
        return float(np.mean([np.mean(m == p) for m, p in zip(y, self.predict(X), strict=True)]))


# SegmenterMixin predicts masks image by image.
OF_THE_STACK = (
    "check_one_image_equals_stack",
    "check_lists",
    "check_predict_follows_threshold",
    "check_out",
)


@broken(*OF_THE_STACK)
class LooksAtTheOtherImages(Whole):
    def decision_function(self, X):
        logits = super().decision_function(X)
        mean = np.mean([np.mean(z) for z in logits])
        return each(logits, lambda z: (z - mean).astype(np.float32))


@broken(*OF_THE_STACK, "check_order_of_images")
class LooksAtTheOrder(Whole):
    def decision_function(self, X):
        logits = super().decision_function(X)
        for i, z in enumerate(logits):
            z += i / 10
        return logits


@broken("check_any_size", "check_lists", "check_fit_on_lists")
class KnowsOneSize(Whole):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.size_ = check_images(X).sizes[0]
        return self

    def decision_function(self, X):
        check_is_fitted(self)
        if any(size != self.size_ for size in check_images(X).sizes):
            raise ValueError("another size")
        return super().decision_function(X)


@broken("check_lists", "check_fit_on_lists")
class GivesNoLists(Whole):
    def decision_function(self, X):
        logits = super().decision_function(X)
        if not isinstance(logits, list):
            return logits
        packed = np.empty(len(logits), dtype=object)
        packed[:] = logits
        return packed


# --------------------------------------------------------------------------------------- input


@broken("check_dtypes")
class KnowsBytesOnly(Whole):
    def decision_function(self, X):
        found = super().decision_function(X)
        other = getattr(X, "dtype", np.dtype(np.uint8)) == np.uint16
        return each(found, lambda z: (z / 2 if other else z).astype(np.float32))


@broken("check_layouts")
class ReadsTheMemory(Whole):
    def decision_function(self, X):
        found = super().decision_function(X)
        strange = isinstance(X, np.ndarray) and X.ndim == 3 and X.strides[2] != X.itemsize
        return found + np.float32(1) if strange else found


@broken("check_fit_on_fortran_ordered")
class LearnsFromTheMemory(Whole):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        if isinstance(X, np.ndarray) and X.ndim == 3 and X.strides[2] != X.itemsize:
            self.middle_ += 9
        return self


@broken("check_fit_on_lists")
class LearnsFromArraysOnly(Whole):
    def fit(self, X, y=None, sample_weight=None):
        return super().fit(np.asarray(X), y, sample_weight)


@broken("check_colour_images")
class KnowsGreyOnly(Whole):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        if self.n_channels_in_ > 1:
            raise ValueError("grey only")
        return self


@broken("check_negative_images")
class TakesTheRoot(Whole):
    def logits(self, image):
        # As a logarithm or a root does it.
        return np.where(image[..., 0] < 0, np.nan, super().logits(image))


@broken("check_channel_mismatch_refused")
class TakesAnyChannels(Whole):
    def decision_function(self, X):
        check_is_fitted(self)
        stack = check_images(X)
        found = [self.logits(np.asarray(i, dtype=np.float64)) for i in stack.images]
        return restore_layout([z.astype(np.float32) for z in found], as_list=stack.as_list)

    def _check_stack(self, X, *, lazily, out):
        return check_images(X)


@broken("check_nan_refused")
class AcceptsNaN(Whole):
    def fit(self, X, y=None, sample_weight=None):
        if isinstance(X, np.ndarray) and X.dtype.kind == "f":
            X = np.nan_to_num(X, posinf=0, neginf=0)
        return super().fit(X, y, sample_weight)


@broken("check_empty_refused")
class AcceptsNothing(Whole):
    def decision_function(self, X):
        check_is_fitted(self)
        if isinstance(X, np.ndarray) and X.shape[:1] == (0,):
            return np.zeros(X.shape, np.float32)
        return super().decision_function(X)


@broken("check_unreal_refused")
class AcceptsComplexNumbers(Whole):
    def fit(self, X, y=None, sample_weight=None):
        if isinstance(X, np.ndarray) and X.dtype.kind == "c":
            X = np.abs(X)
        return super().fit(X, y, sample_weight)


@broken("check_single_image_refused")
class AcceptsASingleImage(Whole):
    def decision_function(self, X):
        check_is_fitted(self)
        if isinstance(X, np.ndarray) and X.ndim == 2:
            X = X[np.newaxis]
        return super().decision_function(X)


@broken("check_y_none_refused")
class IsSilentAboutMissingMasks(Whole):
    def fit(self, X, y=None, sample_weight=None):
        if y is None:
            raise ValueError("No masks.")
        return super().fit(X, y, sample_weight)


@broken("check_bad_masks_refused")
class AcceptsThreeValues(Whole):
    def fit(self, X, y=None, sample_weight=None):
        if isinstance(y, np.ndarray) and set(np.unique(y)) == {0, 1, 2}:
            y = np.minimum(y, 1)
        return super().fit(X, y, sample_weight)


@broken("check_sizes_refused")
class CutsToTheShorter(Whole):
    def fit(self, X, y=None, sample_weight=None):
        n = min(len(X), len(y)) if y is not None else None
        return super().fit(X[:n], None if y is None else y[:n], sample_weight)


# ----------------------------------------------------------------------- weights and ignored pixels


@broken("check_sample_weight_of_ones")
class TakesWeightsAsSomethingElse(Whole):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        if sample_weight is not None:
            self.middle_ += 9
        return self


@broken("check_sample_weight_of_pixels")
class KnowsNoWeightsOfPixels(Whole):
    def fit(self, X, y=None, sample_weight=None):
        if sample_weight is not None and np.ndim(sample_weight) == 3:
            check_sample_weight(sample_weight, check_images(X).sizes)
            sample_weight = None
        return super().fit(X, y, sample_weight)


@broken("check_sample_weight_of_pixels")
class WritesIntoTheWeights(Whole):
    def fit(self, X, y=None, sample_weight=None):
        if sample_weight is not None:
            sample_weight /= np.max(sample_weight)
        return super().fit(X, y, sample_weight)


@broken("check_sample_weight_refused")
class AcceptsNegativeWeights(Whole):
    def fit(self, X, y=None, sample_weight=None):
        if sample_weight is not None and np.min(sample_weight) < 0:
            sample_weight = np.abs(sample_weight)
        return super().fit(X, y, sample_weight)


@broken("check_ignored_pixels")
class LearnsFromTheIgnored(Whole):
    def check(self, X, y):
        images, masks = super().check(X, y)
        if self.ignore_label is not None and self.ignore_label > 100:
            for mask in masks.masks:
                mask[mask == 255] = 1
        return images, masks


# --------------------------------------------------------------------------------------- state


@broken("check_unfitted", "check_clone")
class PredictsBeforeFit(Whole):
    def decision_function(self, X):
        if not hasattr(self, "middle_"):
            return np.zeros(np.shape(X), np.float32)
        return super().decision_function(X)


@broken("check_clone")
class TeachesItsClones(Whole):
    def __sklearn_clone__(self):
        return copy.deepcopy(self)


@broken("check_pickle", "check_deepcopy", "check_joblib")
class LosesItsState(Whole):
    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("middle_", None)
        return state

    def __setstate__(self, state):
        super().__setstate__(state | {"middle_": 200.0} if "sign_" in state else state)


@broken("check_predict_leaves_state")
class RemembersPredictions(Whole):
    def decision_function(self, X):
        found = super().decision_function(X)
        self.last_ = found
        return found


@broken("check_predict_leaves_input", "check_dtypes")
class NormalisesInPlace(Whole):
    def decision_function(self, X):
        found = super().decision_function(X)
        if isinstance(X, np.ndarray) and X.flags.writeable and X.dtype == np.float32:
            X -= X.mean()
        return found


@broken("check_predict_leaves_global_random_state")
class DrawsFromPython(Whole):
    def decision_function(self, X):
        random.random()
        return super().decision_function(X)


@pytest.mark.parametrize("defect", BROKEN)
def test_a_defect_is_found_by_the_right_checks(defect):
    cls, wanted = BROKEN[defect]
    results = check_segmenter(cls(), on_fail=None)
    failed = {r["check_name"] for r in results if r["status"] == "failed"}
    assert (sorted(failed - wanted), sorted(wanted - failed)) == ([], [])


def test_every_check_of_ours_finds_a_defect():
    found = set().union(*(checks for _, checks in BROKEN.values()))
    assert set(OWN_CHECKS) - found == set()


def test_the_tags_of_the_whole_segmenter_are_those_of_the_mixin():
    assert get_tags(Whole()).estimator_type == "segmenter"
