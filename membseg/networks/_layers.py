"""Blocks that the networks are put together from."""

from collections.abc import Iterator
from typing import Any

import keras

from membseg.exceptions import InvalidInputError
from membseg.networks._atrous import AtrousConv2D

#: What the parameter `norm_layer` may be.
NORM_LAYERS = ("none", "batch", "group")


class ConvStyle:
    """How every convolution of one network is made: initialiser, penalty, precision, seeds.

    Parameters
    ----------
    norm_layer : {"none", "batch", "group"}
        Normalisation after each convolution.
    l1, l2 : float
        Penalties on the kernels.
    dtype : str
        Keras dtype policy, such as ``"float32"`` or ``"mixed_bfloat16"``.
    seeds : iterator of int
        One fresh seed for each layer that draws random numbers, so that neither the initial
        weights nor dropout depend on global random states.
    """

    def __init__(
        self, *, norm_layer: str, l1: float, l2: float, dtype: str, seeds: Iterator[int]
    ) -> None:
        if norm_layer not in NORM_LAYERS:
            raise InvalidInputError(
                f"norm_layer must be one of {', '.join(NORM_LAYERS)}; got {norm_layer!r}."
            )
        self.norm_layer = norm_layer
        self.l1 = l1
        self.l2 = l2
        self.dtype = dtype
        self.seeds = seeds

    def kernel(self) -> dict[str, Any]:
        """Keyword arguments that every layer with a kernel shares."""
        penalty = keras.regularizers.L1L2(self.l1, self.l2) if self.l1 or self.l2 else None
        return {
            "kernel_initializer": keras.initializers.HeNormal(seed=next(self.seeds)),
            "kernel_regularizer": penalty,
            # Said, since Keras's own default is a global setting.
            "data_format": "channels_last",
            "dtype": self.dtype,
        }

    def conv(
        self,
        x: Any,
        filters: int,
        name: str,
        *,
        kernel_size: int = 3,
        strides: int = 1,
        rate: int = 1,
        relu: bool = True,
    ) -> Any:
        """Convolution, normalisation (if any) and ReLU (unless told otherwise)."""
        plain = self.norm_layer == "none"
        options = {
            "padding": "same",
            "activation": "relu" if plain and relu else None,
            "use_bias": self.norm_layer != "batch",
            "name": name,
            **self.kernel(),
        }
        if rate == 1:
            x = keras.layers.Conv2D(filters, kernel_size, strides=strides, **options)(x)
        else:
            x = AtrousConv2D(filters, kernel_size, rate=rate, **options)(x)
        if plain:
            return x
        x = self.norm(filters, f"{name}_norm")(x)
        return keras.layers.ReLU(name=f"{name}_relu", dtype=self.dtype)(x) if relu else x

    def norm(self, filters: int, name: str) -> Any:
        """Layer of the normalisation, for so many channels."""
        if self.norm_layer == "batch":
            return keras.layers.BatchNormalization(name=name, dtype=self.dtype)
        groups = next(g for g in (8, 4, 2, 1) if filters % g == 0)
        return keras.layers.GroupNormalization(groups, name=name, dtype=self.dtype)

    def dropout(self, x: Any, rate: float, name: str, kind: str = "spatial") -> Any:
        """Drop whole channels, since neighbouring pixels carry the same signal, or values."""
        if not rate:
            return x
        options = {"seed": next(self.seeds), "name": name, "dtype": self.dtype}
        if kind == "elementwise":
            return keras.layers.Dropout(rate, **options)(x)
        return keras.layers.SpatialDropout2D(rate, "channels_last", **options)(x)

    def stem(self, x: Any, filters: int, stride: int) -> Any:
        """Half the height and width by a strided convolution, or the image as it is."""
        if stride not in (1, 2):
            raise InvalidInputError(f"stem_stride must be 1 or 2; got {stride!r}.")
        return x if stride == 1 else self.conv(x, filters, "stem", kernel_size=4, strides=2)

    def upsample(self, x: Any, filters: int, name: str, activation: str | None = None) -> Any:
        """Twice the height and width by a transposed convolution."""
        layer = keras.layers.Conv2DTranspose(
            filters, 2, strides=2, activation=activation, name=name, **self.kernel()
        )
        return layer(x)

    def pool(self, x: Any, name: str) -> Any:
        """Maximum of each 2 x 2 window."""
        layer = keras.layers.MaxPooling2D(data_format="channels_last", name=name, dtype=self.dtype)
        return layer(x)

    def enlarge(self, x: Any, name: str) -> Any:
        """Twice the height and width, smoothly.

        Pixels are repeated, and each takes the mean of its 3 x 3 neighbours: two thirds of one
        pixel and one third of the next. (Keras's linear interpolation cannot have open sizes.)
        """
        options = {"data_format": "channels_last", "dtype": self.dtype}
        x = keras.layers.UpSampling2D(2, name=f"{name}_repeat", **options)(x)
        smooth = keras.layers.AveragePooling2D(3, 1, "same", name=f"{name}_smooth", **options)
        return smooth(x)
