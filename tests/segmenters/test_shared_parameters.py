"""Parameters of a base are shown in full, with their texts, and written down once."""

import inspect
import re

import numpydoc.docscrape
import pytest
from sklearn.base import BaseEstimator, clone

from membseg import UNetSegmenter
from membseg.segmenters._keras_segmenter import BaseKerasSegmenter
from membseg.segmenters._shared_parameters import with_shared_parameters


class Base(BaseEstimator):
    """Base.

    Parameters
    ----------
    rate : float, default=0.5
        The rate,
        in two lines.
    low, high : int, default=1
        Both bounds.
    name : str, default="x"
        The name.

    Attributes
    ----------
    size_ : int
        The size.

    Notes
    -----
    Of the base alone.
    """

    def __init__(self, *, rate=0.5, low=1, high=1, name="x"):
        self.rate = rate
        self.low = low
        self.high = high
        self.name = name


@with_shared_parameters
class Own(Base):
    """Do it in an own way.

    More about it.

    Parameters
    ----------
    depth : int, default=3
        The depth.
    name : str, default="y"
        Another name.

    Examples
    --------
    >>> 1 + 1
    2
    """

    def __init__(self, *, depth=3, name="y", **shared):
        self.depth = depth
        super().__init__(name=name, **shared)


NAMES = ["depth", "name", "rate", "low", "high"]


def test_the_signature_is_whole():
    for thing in (Own, Own()._get_param_names, Own.__init__):
        assert thing is not None
    parameters = inspect.signature(Own).parameters
    assert list(parameters) == NAMES
    assert [p.default for p in parameters.values()] == [3, "y", 0.5, 1, 1]
    assert list(inspect.signature(Own.__init__).parameters) == ["self", *NAMES]
    assert "shared" not in str(inspect.signature(Own))


def test_scikit_learn_sees_all_parameters():
    own = Own(rate=0.1, depth=2)
    assert own.get_params() == {"depth": 2, "name": "y", "rate": 0.1, "low": 1, "high": 1}
    assert clone(own).set_params(low=0, name="z").get_params()["low"] == 0
    assert repr(own) == "Own(depth=2, rate=0.1)"


def test_the_docstring_is_whole_and_the_bases_is_as_it_was():
    doc = numpydoc.docscrape.NumpyDocString(inspect.getdoc(Own))
    assert [p.name for p in doc["Parameters"]] == ["depth", "name", "rate", "low, high"]
    assert doc["Parameters"][1].desc == ["Another name."]
    assert doc["Parameters"][2].desc == ["The rate,", "in two lines."]
    assert [p.name for p in doc["Attributes"]] == ["size_"]
    assert doc["Examples"] == [">>> 1 + 1", "2"]
    assert not doc["Notes"]
    assert inspect.getdoc(Own).startswith("Do it in an own way.\n\nMore about it.\n\nParameters")
    assert "depth" not in Base.__doc__
    assert list(inspect.signature(Base).parameters) == ["rate", "low", "high", "name"]


def test_unknown_parameters_are_refused_as_everywhere():
    with pytest.raises(TypeError, match="unexpected keyword argument 'rates'"):
        Own(rates=1)


def test_without_docstrings_only_the_signature_is_completed():
    class Silent(Base):
        def __init__(self, depth, **shared):
            super().__init__(**shared)

    Silent.__doc__ = None
    assert with_shared_parameters(Silent) is Silent
    assert Silent.__doc__ is None
    assert list(inspect.signature(Silent).parameters) == ["depth", "rate", "low", "high", "name"]


def test_what_hands_nothing_on_is_refused():
    class Closed(Base):
        def __init__(self, depth=1):
            self.depth = depth

    class Empty(Base):
        pass

    message = "Closed.__init__ must end in **shared, which it hands on to Base.__init__; got (self"
    with pytest.raises(TypeError, match=re.escape(message)):
        with_shared_parameters(Closed)
    with pytest.raises(TypeError, match=re.escape("must end in **shared")):
        with_shared_parameters(Empty)


def test_the_unet_says_of_shared_parameters_what_the_base_says():
    shared = numpydoc.docscrape.ClassDoc(BaseKerasSegmenter)
    unet = numpydoc.docscrape.ClassDoc(UNetSegmenter)
    for section in ("Parameters", "Attributes"):
        of_unet = {entry.name: entry for entry in unet[section]}
        for entry in shared[section]:
            assert entry.type == of_unet[entry.name].type
            # The U-Net's tiles are exact but for one parameter, and have a known size.
            if entry.name != "tile_size":
                assert entry.desc == of_unet[entry.name].desc
    of_unet = inspect.signature(UNetSegmenter).parameters
    for name, parameter in inspect.signature(BaseKerasSegmenter).parameters.items():
        assert parameter.default == of_unet[name].default
