"""What every segmenter around a Keras network says before fit: what it will cost."""

from typing import Any

import numpy as np

from membseg.inference import list_views
from membseg.segmenters import _auto
from membseg.segmenters._cost import CostEstimate, measure_cost
from membseg.segmenters._fit_inputs import check_fit_inputs
from membseg.segmenters._keras_partial_fit import KerasPartialFit
from membseg.segmenters._workers import load_keras
from membseg.utils import check_images


class KerasCost(KerasPartialFit):
    """The part of a Keras segmenter that estimates; ``BaseKerasSegmenter`` has the parameters."""

    # Parameters of the subclasses.
    membrane_label: Any
    ignore_label: Any

    def estimate_cost(self, X: Any, y: Any = None) -> CostEstimate:
        """Estimate what a fit on these images will cost, before it.

        Builds the network and times two training steps and two predictions: a few seconds.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            The images that fit would get.
        y : array-like of shape (n_images, height, width) or list, default=None
            Their masks. Without them membranes are taken as thin (``zoom="auto"`` is 2), which
            is dearer.

        Returns
        -------
        CostEstimate
            Parameters, memory in bytes, seconds.
        """
        load_keras()
        from membseg.training import compile_network, layer_shapes

        self._validate_params()
        labels = {"membrane_label": self.membrane_label, "ignore_label": self.ignore_label}
        if y is None:
            stack = check_images(X)
            X, labels = stack.images, {}
            # Stripes of one pixel: the thinnest membranes there are.
            y = [np.arange(h * w).reshape(h, w) % 2 for h, w in stack.sizes]
        inputs = check_fit_inputs(X, y, **labels)
        config = self._network_config(inputs, 0)
        network = self._build(config)
        compile_network(network, loss=self.loss, weight_decay=float(self.weight_decay))
        patch_size = self._resolve_patch_size(inputs, config)
        n_pixels = sum(height * width for height, width in inputs.images.sizes)
        batch_shape = (int(self.batch_size), patch_size, patch_size, inputs.images.n_channels)
        steps_per_epoch = _auto.choose_steps_per_epoch(
            self.steps_per_epoch, n_pixels, int(self.batch_size), patch_size
        )
        return measure_cost(
            network,
            layer_shapes=layer_shapes(network, batch_shape),
            batch_shape=batch_shape,
            n_steps=self._n_steps(steps_per_epoch),
            time_limit=self.time_limit,
            pixels_per_image=n_pixels / len(inputs.images),
            n_views=len(list_views(self.tta)),
        )
