"""Smooth random fields in three dimensions, cheap on any plane."""

import numpy as np
from scipy.ndimage import gaussian_filter


class SmoothField:
    """A random field of mean 0 and variance 1 that varies smoothly in x, y and z.

    A sum of plane waves with normally distributed wave vectors has the covariance
    ``exp(-r**2 / (2 * scale**2))`` and can be evaluated on one plane as a single matrix product,
    so no volume is ever held in memory.

    Parameters
    ----------
    scale : float
        Length over which the field changes, in pixels.
    rng : numpy.random.Generator
        Source of the waves.
    n_waves : int, default=48
        Number of plane waves.

    References
    ----------
    Rahimi and Recht (2007), Random features for large-scale kernel machines, equation 2: the
    same waves approximate a Gaussian kernel.
    """

    def __init__(self, scale: float, rng: np.random.Generator, *, n_waves: int = 48) -> None:
        self._waves = rng.normal(size=(3, n_waves)) / scale
        self._phases = rng.uniform(0.0, 2.0 * np.pi, size=n_waves)
        self._amplitude = np.sqrt(2.0 / n_waves)

    def plane(self, height: int, width: int, z: float) -> np.ndarray:
        """Values at one z.

        Parameters
        ----------
        height, width : int
            Size of the plane, in pixels.
        z : float
            Where to cut, in pixels.

        Returns
        -------
        ndarray of shape (height, width), float64
            The field.
        """
        in_z, in_y, in_x = self._waves
        rows = np.exp(1j * (np.outer(np.arange(height), in_y) + in_z * z + self._phases))
        columns = np.exp(1j * np.outer(in_x, np.arange(width)))
        # Real part of the complex product, without its imaginary half.
        real = rows.real @ columns.real - rows.imag @ columns.imag
        return self._amplitude * real


def smooth_noise(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of variance 1 on one plane, smooth over `scale` pixels.

    Parameters
    ----------
    shape : tuple of (height, width)
        Size of the plane, in pixels.
    scale : float
        Standard deviation of the smoothing, in pixels; about 0.7 or more.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (height, width), float64
        The noise.
    """
    smooth = gaussian_filter(rng.normal(size=shape), scale, mode="wrap")
    return smooth * (2.0 * np.sqrt(np.pi) * scale)
