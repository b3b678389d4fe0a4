"""Scorers in scikit-learn's metadata routing."""

from typing import Any

from sklearn.utils.metadata_routing import MetadataRequest


class WeightRouting:
    """A scorer that can ask for `sample_weight` where metadata routing is enabled."""

    _weight_request: bool | str | None = None

    def _accept_sample_weight(self) -> bool:
        """Answer scikit-learn's searches, which ask each scorer of a dict for it."""
        return True

    def set_score_request(self, *, sample_weight: bool | str | None = None) -> "WeightRouting":
        """Say whether metadata routing is to pass `sample_weight`.

        Parameters
        ----------
        sample_weight : bool, str or None, default=None
            True: pass it; False: do not; a str: pass the metadata of that name; None: an error
            if it is given.

        Returns
        -------
        WeightRouting
            The scorer itself.
        """
        self._weight_request = sample_weight
        return self

    def get_metadata_routing(self) -> Any:
        """Give scikit-learn the request.

        Returns
        -------
        MetadataRequest
            The request of `score`.
        """
        request = MetadataRequest(owner=self)
        request.score.add_request(param="sample_weight", alias=self._weight_request)
        return request
