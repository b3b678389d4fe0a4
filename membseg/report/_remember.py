"""A segmenter that is asked once, however often its predictions are needed."""

from typing import Any


class Remembering:
    """Answers for a fitted segmenter, and keeps what it said of one set of images.

    Parameters
    ----------
    segmenter : segmenter
        A pipeline or search around one will do.
    X : array-like or list
        The images of which predictions are kept; of others they are made anew.
    """

    def __init__(self, segmenter: Any, X: Any) -> None:
        self._segmenter = segmenter
        self._images = X
        self._kept: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._segmenter, name)

    def __getitem__(self, index: Any) -> Any:
        # Steps of a pipeline.
        return self._segmenter[index]

    def predict(self, X: Any) -> Any:
        """Predict masks."""
        return self._ask("predict", X)

    def predict_proba(self, X: Any) -> Any:
        """Predict the probabilities of both classes."""
        return self._ask("predict_proba", X)

    def predict_membrane(self, X: Any) -> Any:
        """Predict the probability of membrane."""
        proba = self.predict_proba(X)
        return [one[1] for one in proba] if isinstance(proba, list) else proba[:, 1]

    def _ask(self, method: str, X: Any) -> Any:
        if X is not self._images:
            return getattr(self._segmenter, method)(X)
        if method not in self._kept:
            self._kept[method] = getattr(self._segmenter, method)(X)
        return self._kept[method]
