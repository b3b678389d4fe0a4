"""Values as JSON and arrays, and back: an allow-list of kinds, and nothing is ever executed."""

import functools
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from membseg.exceptions import InvalidTypeError
from membseg.persistence._allowed import (
    builder_name,
    builder_named,
    class_named,
    name_of,
    parameter_names,
)
from membseg.persistence._records import RECORDS, decode_record, record_name
from membseg.persistence._state import check_state, fitted_state, put_state
from membseg.persistence._streams import decode_stream, encode_stream
from membseg.persistence._trees import is_tree, make_tree, tree_arrays

#: Parameters that are folders of one machine, and no business of another: left out.
FOLDERS = ("checkpoint_dir", "memory")

#: Whole numbers beyond this are none of ours.
_LARGEST = 2**63

#: Values of the largest array that is written into a document without arrays beside it.
_MOST_INLINE = 10_000

_ODD = re.compile(r"[^A-Za-z0-9_.]")

_WAY_OUT = "Keep it with pickle or skops.io instead, which can hold any class."


class Encoder:
    """Turn values into JSON.

    Parameters
    ----------
    arrays : dict or None
        Where arrays go; None writes small ones into the JSON.
    with_state : bool
        Whether what estimators have learnt is written too.
    """

    def __init__(self, arrays: dict[str, np.ndarray] | None, *, with_state: bool) -> None:
        self.arrays = arrays
        self.with_state = with_state

    def encode(self, value: Any, name: str = "") -> Any:
        """Give the JSON of a value.

        Parameters
        ----------
        value : object
            Of an allowed kind.
        name : str, default=""
            Where it stands, for messages and the names of arrays.

        Returns
        -------
        object
            What JSON can hold.

        Raises
        ------
        InvalidTypeError
            If it is of another kind.
        """
        if isinstance(value, np.generic) and not isinstance(value, np.str_):
            plain = self._number(value.item(), name)
            return {"type": "scalar", "dtype": value.dtype.name, "value": plain}
        if value is None or isinstance(value, bool | str):
            return str(value) if isinstance(value, str) else value
        if isinstance(value, int | float):
            return self._number(value, name)
        return self._encode_many(value, name)

    def encode_estimator(self, estimator: Any, name: str = "") -> dict[str, Any]:
        """Give class, parameters and, if it is wanted, what was learnt.

        Parameters
        ----------
        estimator : estimator or splitter
            Of an allowed class.
        name : str, default=""
            Where it stands.

        Returns
        -------
        dict
            What JSON can hold.

        Raises
        ------
        InvalidTypeError
            If a class, a parameter or an attribute cannot be kept.
        """
        class_name = name_of(estimator)
        if class_name is None:
            raise _refusal(estimator, name)
        parameters = {
            key: self.encode(getattr(estimator, key), f"{name}.{key}".lstrip("."))
            for key in parameter_names(type(estimator))
            if key not in FOLDERS
        }
        encoded = {"type": "object", "class": class_name, "parameters": parameters}
        if self.with_state:
            state = fitted_state(estimator, class_name)
            if state:
                encoded["state"] = {
                    key: self.encode(value, f"{name}.{key}".lstrip("."))
                    for key, value in state.items()
                }
        elif class_name == "sklearn.FrozenEstimator" or name.split(".")[-1] == "init_from":
            raise InvalidTypeError(
                f"{name or 'estimator'} cannot be described: it is a fitted "
                f"{type(estimator).__name__}, and a description holds no weights. Save the "
                "segmenter with membseg.save."
            )
        return encoded

    def _number(self, value: Any, name: str) -> Any:
        if isinstance(value, complex) or (isinstance(value, int) and abs(value) > _LARGEST):
            raise _refusal(value, name)
        if isinstance(value, float) and not math.isfinite(value):
            return {"type": "float", "value": str(value)}
        return value

    def _encode_many(self, value: Any, name: str) -> Any:
        if type(value) is list:
            return [self.encode(item, f"{name}.{i}") for i, item in enumerate(value)]
        if type(value) is tuple:
            items = [self.encode(item, f"{name}.{i}") for i, item in enumerate(value)]
            return {"type": "tuple", "items": items}
        if type(value) is dict:
            return {"type": "dict", "items": self._encode_items(value, name)}
        if type(value) is np.ndarray:
            return self._encode_array(value, name)
        if isinstance(value, np.random.Generator | np.random.RandomState):
            stream = encode_stream(value)
            if stream is not None:
                return stream
        return self._encode_object(value, name)

    def _encode_items(self, value: dict[Any, Any], name: str) -> list[list[Any]]:
        for key in value:
            if not isinstance(key, str | int | float):
                raise _refusal(key, f"a key of {name}")
        return [
            [self.encode(key, name), self.encode(item, f"{name}.{key}")]
            for key, item in value.items()
        ]

    def _encode_array(self, value: np.ndarray, name: str) -> dict[str, Any]:
        if value.dtype.kind not in "biuf" or value.dtype.itemsize > 8:
            raise _refusal(value, name)
        if self.arrays is not None:
            # Numbered, so that no two places ever share a name; names of a user's own may be odd.
            key = f"{len(self.arrays):05d}.{_ODD.sub('_', name)[:100]}"
            self.arrays[key] = value
            return {"type": "array", "name": key}
        if value.size > _MOST_INLINE:
            raise _refusal(value, name)
        flat = [self._number(item, name) for item in value.ravel().tolist()]
        return {
            "type": "values",
            "dtype": value.dtype.name,
            "shape": list(value.shape),
            "values": flat,
        }

    def _encode_object(self, value: Any, name: str) -> dict[str, Any]:
        kind = record_name(value)
        if kind is not None:
            fields = {
                key: self.encode(item, f"{name}.{key}")
                for key, item in RECORDS[kind].fields_of(value).items()
            }
            return {"type": "record", "class": kind, "fields": fields}
        if builder_name(getattr(value, "func", value)) is not None:
            return self._encode_builder(value, name)
        if self.with_state and is_tree(value):
            arrays = tree_arrays(value)
            if arrays is None:
                raise _refusal(value, name)
            parts = {key: self._encode_array(part, f"{name}.{key}") for key, part in arrays.items()}
            return {"type": "tree", "arrays": parts}
        return self.encode_estimator(value, name)

    def _encode_builder(self, value: Any, name: str) -> dict[str, Any]:
        keywords: dict[str, Any] = {}
        if isinstance(value, functools.partial):
            if value.args:
                raise InvalidTypeError(
                    f"{name} cannot be saved: it is a functools.partial with arguments that have "
                    "no name. Give them by name: partial(build_unet, depth=2)."
                )
            keywords, value = value.keywords, value.func
        items = {key: self.encode(item, f"{name}.{key}") for key, item in keywords.items()}
        return {"type": "builder", "name": builder_name(value), "keywords": items}


class Decoder:
    """Turn JSON into values again; whatever is not allowed is a ValueError.

    Parameters
    ----------
    arrays : dict or None
        The arrays beside the JSON.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray] | None) -> None:
        self.arrays = arrays or {}
        self._used: set[str] = set()
        self._makers = {
            "array": self._array,
            "builder": self._builder,
            "dict": self._dict,
            "float": self._float,
            "object": self.decode_estimator,
            "record": self._record,
            "scalar": self._scalar,
            "stream": self._stream,
            "tree": self._tree,
            "tuple": self._tuple,
            "values": self._values,
        }

    @property
    def unused(self) -> list[str]:
        """Names of the arrays that nothing has asked for."""
        return sorted(set(self.arrays) - self._used)

    def decode(self, data: Any) -> Any:
        """Give the value of some JSON.

        Parameters
        ----------
        data : object
            From :class:`Encoder`, or from anybody.

        Returns
        -------
        object
            Of an allowed kind.

        Raises
        ------
        ValueError
            If it is nothing that an encoder gives.
        """
        if isinstance(data, list):
            return [self.decode(item) for item in data]
        if not isinstance(data, dict):
            if isinstance(data, int) and abs(data) > _LARGEST:
                raise ValueError("it holds a whole number that is too large")
            return data
        kind = data.get("type")
        maker = self._makers.get(kind) if isinstance(kind, str) else None
        if maker is None:
            raise ValueError(f"it holds something of an unknown type, {str(kind)[:40]!r}")
        return maker(data)

    def decode_estimator(self, data: Any) -> Any:
        """Make an estimator.

        Parameters
        ----------
        data : dict
            From :meth:`Encoder.encode_estimator`, or from anybody.

        Returns
        -------
        estimator or splitter
            Of an allowed class, fitted if there is a state.

        Raises
        ------
        ValueError
            If class, parameters or state are not what they must be.
        """
        keys = {"type", "class", "parameters"}
        if not isinstance(data, dict) or set(data) not in (keys, keys | {"state"}):
            raise ValueError("an estimator of it has other keys than an estimator has")
        cls = class_named(data["class"])
        parameters = self._table(data["parameters"], "parameters")
        odd = sorted(set(parameters) - set(parameter_names(cls)))
        if odd:
            raise ValueError(f"a {cls.__name__} here has no parameter {odd[0][:40]!r}")
        _check_folders(parameters)
        # Parameters that are newer than the file have their defaults.
        estimator = cls(**parameters)
        if "state" in data:
            state = self._table(data["state"], "state")
            check_state(data["class"], state)
            put_state(estimator, data["class"], state)
        return estimator

    def _table(self, data: Any, what: str) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise ValueError(f"{what} of it must be a table")
        return {name: self.decode(value) for name, value in data.items()}

    def _array(self, data: dict[str, Any]) -> np.ndarray:
        name = _part(data, "name", str)
        if name not in self.arrays:
            raise ValueError(f"the array {name[:60]!r} is missing")
        self._used.add(name)
        return self.arrays[name]

    def _builder(self, data: dict[str, Any]) -> Any:
        function = builder_named(data.get("name"))
        keywords = self._table(data.get("keywords"), "keywords")
        known = parameter_names(function)
        if not set(keywords) <= set(known) or not all(map(_is_plain, keywords.values())):
            raise ValueError(f"it gives {data['name']} what that function does not take")
        return functools.partial(function, **keywords) if keywords else function

    def _dict(self, data: dict[str, Any]) -> dict[Any, Any]:
        items = _part(data, "items", list)
        if not all(isinstance(item, list) and len(item) == 2 for item in items):
            raise ValueError("a table of it is no list of pairs")
        pairs = [(self.decode(key), self.decode(value)) for key, value in items]
        if not all(_is_plain(key) for key, _ in pairs):
            raise ValueError("a table of it has keys that are no texts or numbers")
        return dict(pairs)

    def _float(self, data: dict[str, Any]) -> float:
        text = _part(data, "value", str)
        if text not in ("nan", "inf", "-inf"):
            raise ValueError("a number of it is none")
        return float(text)

    def _record(self, data: dict[str, Any]) -> Any:
        return decode_record(data.get("class"), self._table(data.get("fields"), "fields"))

    def _scalar(self, data: dict[str, Any]) -> Any:
        dtype, value = _plain_dtype(data.get("dtype")), self.decode(data.get("value"))
        if not isinstance(value, bool | int | float):
            raise ValueError("a number of it is none")
        return dtype.type(value)

    def _stream(self, data: dict[str, Any]) -> Any:
        try:
            return decode_stream(data)
        except Exception as error:  # whatever numpy makes of a state that is none
            raise ValueError(f"a random stream of it cannot be read ({error})") from error

    def _tree(self, data: dict[str, Any]) -> Any:
        arrays = self._table(data.get("arrays"), "arrays")
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise ValueError("a tree of it has arrays that are none")
        return make_tree(arrays)

    def _tuple(self, data: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self.decode(item) for item in _part(data, "items", list))

    def _values(self, data: dict[str, Any]) -> np.ndarray:
        dtype, shape = _plain_dtype(data.get("dtype")), _part(data, "shape", list)
        values = [self.decode(item) for item in _part(data, "values", list)]
        if not all(_is_plain(value) and not isinstance(value, str) for value in (*values, *shape)):
            raise ValueError("an array of it holds what are no numbers")
        return np.array(values, dtype=dtype).reshape(shape)


def _part(data: dict[str, Any], key: str, kind: type) -> Any:
    if not isinstance(data.get(key), kind):
        raise ValueError(f"{key} of a {data['type']} is missing, or none")
    return data[key]


def _plain_dtype(name: Any) -> np.dtype:
    if name not in ("bool", "float16", "float32", "float64") and name not in (
        f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
    ):
        raise ValueError(f"it names a dtype that no model file holds, {str(name)[:40]!r}")
    return np.dtype(name)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _check_folders(parameters: dict[str, Any]) -> None:
    """Refuse folders, in which others may have put files that a fit would read and replace."""
    for name in FOLDERS:
        if parameters.get(name) is not None:
            raise ValueError(f"{name} of an estimator of it must be null")


def _refusal(value: Any, name: str) -> InvalidTypeError:
    where = f"{name} of the estimator" if name else "segmenter"
    kind = type(value)
    if kind.__name__ == "function":
        way_out = (
            "A file holds no code: use build_unet or another builder of membseg.networks (or a "
            "functools.partial of one), or keep the segmenter with pickle."
        )
    elif kind.__name__ == "CachedSegmenter":
        way_out = "Save what it has fitted: membseg.save(cached.estimator_, path)."
    elif kind.__name__.endswith("SearchCV"):
        way_out = "Save what the search found: membseg.save(search.best_estimator_, path)."
    else:
        way_out = _WAY_OUT
    return InvalidTypeError(
        f"{where} cannot be saved: a model file holds no {kind.__module__}.{kind.__qualname__}. "
        f"{way_out}"
    )
