"""The blocks of a U-Net: what each of its nodes does with its features."""

from typing import Any

import keras

from membseg.networks._layers import ConvStyle
from membseg.networks._recurrent import RecurrentConv2D
from membseg.networks._residual_gain import ResidualGain
from membseg.networks._squeeze_excitation import squeeze_excitation


class UNetBlocks:
    """How every block of one U-Net is made.

    Parameters
    ----------
    style : ConvStyle
        How layers are made.
    block : {"plain", "residual", "recurrent"}
        Two convolutions; the same with a shortcut around them; or two recurrent ones with a
        shortcut.
    squeeze_excitation : bool
        Whether channels are weighted at the end of a block, before what a shortcut adds.
    stochastic_depth : float
        Share of the images of a batch for which the last block is its shortcut alone, in training.
    length : int
        Blocks on the longest way from the image to the logits.

    Notes
    -----
    Residual blocks are those of figure 2 of He et al. [1]_: convolution, ReLU, convolution, the sum
    with the shortcut, ReLU; the residual U-Net [2]_ has normalisation and ReLU before each
    convolution instead. Recurrent ones are the recurrent residual units of R2U-Net [3]_, figure 4d,
    with two recurrent steps and, unlike there, a ReLU behind the sum. A normalisation, if any,
    follows the last step of a recurrent convolution, where others have one in each. A shortcut is a
    convolution of 1 x 1 where the number of channels changes; that of a recurrent block comes
    before everything else. None of the papers multiplies what is added to a shortcut by a number
    that is learnt (:class:`ResidualGain`). Without it and without normalisation, logits start out
    about ten times as large with residual blocks (at a depth of 3) and ten thousand times with
    recurrent ones. From zero, residual blocks had learnt less after 250 steps (of one run) than
    from one over the root of `length`, which they have.

    Squeeze and excitation stands where figure 3 of its paper has it [4]_. Stochastic depth [5]_
    drops block `l` of `length` with the rate ``l / length * stochastic_depth`` (equation 4), image
    by image instead of for the whole batch, and scales up what is kept instead of scaling down at
    prediction; `l` counts from the image on along the longest way.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR
       2016, doi 10.1109/CVPR.2016.90.
    .. [2] Z. Zhang, Q. Liu and Y. Wang, "Road extraction by deep residual U-Net", IEEE GRSL 2018,
       doi 10.1109/LGRS.2018.2802944.
    .. [3] M. Z. Alom, M. Hasan, C. Yakopcic, T. M. Taha and V. K. Asari, "Recurrent residual
       convolutional neural network based on U-Net (R2U-Net) for medical image segmentation", 2018,
       arXiv 1802.06955.
    .. [4] J. Hu, L. Shen and G. Sun, "Squeeze-and-excitation networks", CVPR 2018,
       doi 10.1109/CVPR.2018.00745.
    .. [5] G. Huang, Y. Sun, Z. Liu, D. Sedra and K. Q. Weinberger, "Deep networks with stochastic
       depth", ECCV 2016, doi 10.1007/978-3-319-46493-0_39.
    """

    def __init__(
        self,
        style: ConvStyle,
        *,
        block: str,
        squeeze_excitation: bool,
        stochastic_depth: float,
        length: int,
    ) -> None:
        self.style = style
        self.block = block
        self.squeeze_excitation = squeeze_excitation
        self.stochastic_depth = stochastic_depth
        self.length = length

    def make(self, x: Any, filters: int, name: str, number: int) -> Any:
        """Put a block behind features.

        Parameters
        ----------
        x : tensor of shape (n, height, width, any channels)
            Features.
        filters : int
            Channels of the result.
        name : str
            What the names of the layers begin with.
        number : int
            Blocks on the longest way from the image up to and with this one.

        Returns
        -------
        tensor of shape (n, height, width, filters)
            Features.
        """
        style = self.style
        if self.block == "plain":
            x = style.conv(style.conv(x, filters, f"{name}_conv0"), filters, f"{name}_conv1")
            return self._weighted(x, name)
        shortcut = self._shortcut(x, filters, name)
        if self.block == "residual":
            inner = style.conv(x, filters, f"{name}_conv0")
            inner = style.conv(inner, filters, f"{name}_conv1", relu=False)
        else:
            inner = _recurrent_conv(style, shortcut, f"{name}_conv0")
            inner = _recurrent_conv(style, inner, f"{name}_conv1")
        inner = self._weighted(inner, name)
        inner = ResidualGain(self._start, name=f"{name}_gain", dtype=style.dtype)(inner)
        inner = self._dropped(inner, f"{name}_drop", number)
        total = keras.layers.Add(name=f"{name}_sum", dtype=style.dtype)([shortcut, inner])
        return keras.layers.ReLU(name=f"{name}_relu", dtype=style.dtype)(total)

    @property
    def _start(self) -> float:
        """What branches are multiplied by at first."""
        # A recurrent branch grows with each step.
        return self.length**-0.5 if self.block == "residual" else 0.0

    def _shortcut(self, x: Any, filters: int, name: str) -> Any:
        if x.shape[-1] == filters:
            return x
        return self.style.conv(x, filters, f"{name}_shortcut", kernel_size=1, relu=False)

    def _weighted(self, x: Any, name: str) -> Any:
        if not self.squeeze_excitation:
            return x
        return squeeze_excitation(self.style, x, f"{name}_excitation")

    def _dropped(self, x: Any, name: str, number: int) -> Any:
        rate = self.stochastic_depth * number / self.length
        if not rate:
            return x
        layer = keras.layers.Dropout(
            rate,
            noise_shape=(None, 1, 1, 1),
            seed=next(self.style.seeds),
            name=name,
            dtype=self.style.dtype,
        )
        return layer(x)


def _recurrent_conv(style: ConvStyle, x: Any, name: str) -> Any:
    """A recurrent convolution with ReLU in every step, and then what normalisation there is."""
    filters = x.shape[-1]
    x = RecurrentConv2D(filters, 3, activation="relu", name=name, **style.kernel())(x)
    return x if style.norm_layer == "none" else style.norm(filters, f"{name}_norm")(x)
