"""A random forest on scikit-image's multiscale features, as its gallery does it."""

from typing import Any

import numpy as np
from skimage.feature import multiscale_basic_features
from sklearn.ensemble import RandomForestClassifier

from peers.trained import Clock, Trained

#: Pixels to learn from, over all slices.
_N_PIXELS = 200_000

#: Trees of the whole forest, and those that are grown between two looks at the clock.
_N_TREES, _TREES_AT_ONCE = 100, 5

#: Share of the time that the features of the training slices may take.
_FEATURE_SHARE = 0.6


def _features(image: np.ndarray) -> np.ndarray:
    """Intensity, edges and texture at scales of 1 to 16 px: (n_pixels, n_features)."""
    planes = multiscale_basic_features(
        image.astype(np.float32), intensity=True, edges=True, texture=True, sigma_min=1,
        sigma_max=16,
    )  # fmt: skip
    return planes.reshape(-1, planes.shape[-1]).astype(np.float32)


def _sample(
    X: np.ndarray, y: np.ndarray, time_limit: float, clock: Clock, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """Features and classes of random pixels of as many slices as there is time for."""
    per_slice = min(_N_PIXELS // len(X), X[0].size)
    features: list[np.ndarray] = []
    classes: list[np.ndarray] = []
    for number in rng.permutation(len(X)):
        if features and clock.seconds > _FEATURE_SHARE * time_limit:
            break
        chosen = rng.choice(X[number].size, per_slice, replace=False)
        features.append(_features(X[number])[chosen])
        classes.append(y[number].ravel()[chosen])
    return np.concatenate(features), np.concatenate(classes), len(features)


def train(X: np.ndarray, y: np.ndarray, *, time_limit: float, seed: int) -> Trained:
    """Grow the forest, or as much of it as the clock allows; see :func:`peers.own.train`."""
    rng = np.random.default_rng(seed)
    clock = Clock(time_limit)
    features, classes, n_slices = _sample(X, y, time_limit, clock, rng)
    forest = RandomForestClassifier(
        n_estimators=0, min_samples_leaf=5, warm_start=True, n_jobs=-1, random_state=seed
    )
    growth = Clock(time_limit - clock.seconds)
    while growth.has_time() and forest.n_estimators < _N_TREES:
        forest.set_params(n_estimators=forest.n_estimators + _TREES_AT_ONCE)
        forest.fit(features, classes)

    def predict(images: np.ndarray, views: str) -> np.ndarray:
        maps = [forest.predict_proba(_features(image))[:, 1] for image in images]
        return np.stack(maps).reshape(images.shape).astype(np.float32)

    details: dict[str, Any] = {
        "n_pixels": len(classes),
        "n_slices": n_slices,
        "n_features": features.shape[1],
    }
    return Trained(predict, ("none",), 0.5, clock.seconds, forest.n_estimators, details)
