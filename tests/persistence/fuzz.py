"""Damage and forge model files, and see that loading them does nothing but say so.

By hand, in a process of its own: ``python tests/persistence/fuzz.py N_FILES [SEED]`` prints counts
as JSON, and fails where a file was read with another error than membseg's, code ran, a package was
imported, or the process grew by more than 256 MB.
"""

import copy
import hashlib
import importlib
import io
import json
import os
import pickle
import random
import resource
import struct
import sys
import tempfile
import traceback
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from safetensors.numpy import load as read_arrays
from safetensors.numpy import save as write_arrays

import membseg
from membseg.exceptions import MembsegError, ModelFileWarning

DATA = Path(__file__).with_name("data")
JSON, ARRAYS = "membseg.json", "arrays.safetensors"

#: Events of the interpreter that must not come while a file is read.
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "pickle.find")

#: Bytes by which all of them may let the process grow, which takes most of a gigabyte for Keras.
MOST_GROWTH = 2**28

WORDS = [
    "os.system", "builtins.eval", "__class__", "__reduce__", "__init__", "__globals__", "../../etc",
    "", "\x00", "auto", "none", "build_unet", "build_critic", "UNetSegmenter", "sklearn.Pipeline",
    "sklearn.FrozenEstimator", "GridSearchCV", "CachedSegmenter", "object", "tree", "record",
    "array", "values", "stream", "builder", "dict", "tuple", "float", "nan", "float32", "object_",
    "SklearnCurve", "Intensity", "ThresholdCurve", "n" * 5000,
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 2, 7, 255, 2**16, 2**31 - 1, 2**31, 2**53, 2**63, 2**64, 10**30, 10**400, 0.5, -0.0,
    1e-300, 1e300, -1e300, 1.5,
]  # fmt: skip
SMALL = [None, True, False, [], {}, [[]], {"type": "dict", "items": []}]
FORGED = [
    {"type": "object", "class": "os.system", "parameters": {"command": "touch canary"}},
    {"type": "object", "class": "ThresholdSegmenter", "parameters": {}},
    {"type": "object", "class": "sklearn.KFold", "parameters": {"n_splits": 2, "shuffle": False,
                                                                "random_state": None}},
    {"type": "object", "class": "sklearn.FrozenEstimator", "parameters": {"estimator": None}},
    {"type": "builder", "name": "build_unet", "keywords": {"depth": 10**9}},
    {"type": "builder", "name": "build_unet", "keywords": {"base_filters": 10**12}},
    {"type": "builder", "name": "eval", "keywords": {}},
    {"type": "tree", "arrays": {}},
    {"type": "values", "dtype": "float64", "shape": [2**40], "values": []},
    {"type": "values", "dtype": "object", "shape": [1], "values": [1]},
    {"type": "values", "dtype": "float64", "shape": [-1], "values": [1.0]},
    {"type": "scalar", "dtype": "int8", "value": 10**30},
    {"type": "stream", "legacy": True, "state": {"bit_generator": "MT19937", "state": {}}},
    {"type": "stream", "legacy": False, "state": {"bit_generator": "os.system"}},
    {"type": "record", "class": "Intensity", "fields": {}},
    {"type": "array", "name": "none such"},
    {"type": "dict", "items": [[[], 1]]},
    {"type": ["object"]},
]  # fmt: skip


class Payload:
    """What creates a file when somebody unpickles it."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


def unzip(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(JSON), archive.read(ARRAYS)


def rezip(members, compression=zipfile.ZIP_STORED):
    """Give a zip file of (name, content), also of names that come twice."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def sign(whole, arrays):
    """Pack a document and arrays with the right checksum, so that it is read to the end."""
    if isinstance(whole, dict):
        whole["arrays_sha256"] = hashlib.sha256(arrays).hexdigest()
    text = json.dumps(whole, allow_nan=True)
    return rezip([(JSON, text.encode()), (ARRAYS, arrays)])


# --------------------------------------------------------------------------------- ways to damage


def flip(rng, content):
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def truncate(rng, content):
    return content[: rng.randrange(len(content))]


def splice(rng, content):
    start, stop = sorted(rng.randrange(len(content)) for _ in range(2))
    kind = rng.randrange(4)
    if kind == 0:
        return content[:start] + content[stop:]
    if kind == 1:
        return content[:stop] + content[start:]
    if kind == 2:
        return content[:start] + rng.randbytes(min(stop - start, 1000)) + content[stop:]
    return rng.randbytes(rng.randrange(1, 40)) + content if start % 2 else content + b"x" * start


def nodes(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from nodes(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from nodes(item, (*path, i))


def odd_value(rng):
    kind = rng.randrange(5)
    if kind == 4:
        return [odd_value(rng) for _ in range(rng.randrange(4))]
    return copy.deepcopy(rng.choice((WORDS, NUMBERS, SMALL, FORGED)[kind]))


def change_json(rng, content):
    text, arrays = unzip(content)
    whole = json.loads(text)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        paths = list(nodes(whole))
        path = rng.choice(paths)
        if not path:
            continue
        parent = whole
        for key in path[:-1]:
            parent = parent[key]
        kind = rng.randrange(6)
        if kind == 0:
            del parent[path[-1]]
        elif kind == 1 and isinstance(parent, dict):
            parent[rng.choice(WORDS)] = parent.pop(path[-1])
        elif kind == 2:
            other = whole
            for key in rng.choice(paths):
                other = other[key]
            parent[path[-1]] = copy.deepcopy(other)
        elif kind == 3 and isinstance(parent, dict):
            parent[rng.choice(WORDS)] = odd_value(rng)
        else:
            parent[path[-1]] = odd_value(rng)
    return sign(whole, arrays)


def change_arrays(rng, content):
    text, packed = unzip(content)
    whole, arrays = json.loads(text), dict(read_arrays(packed))
    if not arrays:
        return sign(whole, write_arrays({"extra": np.zeros(3)}))
    for _ in range(rng.choice([1, 1, 2, 4])):
        name = rng.choice(sorted(arrays))
        array = np.array(arrays[name])
        kind = rng.randrange(8)
        if kind == 0:
            arrays[name] = array.astype(
                rng.choice(["float64", "float32", "int32", "bool", "uint8"])
            )
        elif kind == 1:
            arrays[name] = array.reshape(-1)
        elif kind == 2:
            arrays[name] = np.zeros(rng.choice([(), (0,), (1,), (2, 2), (1, 1, 1, 1), (0, 10**9)]))
        elif kind == 3:
            arrays[f"{name}x"] = array
        elif kind == 4:
            other = rng.choice(sorted(arrays))
            arrays[name], arrays[other] = arrays[other], array
        elif array.size:
            with np.errstate(all="ignore"):
                flat = array.reshape(-1)
                value = rng.choice([0, 1, -1, -2, 5, 10**6, 2**31 - 1, -(2**31), np.nan, np.inf])
                flat[rng.randrange(flat.size)] = np.array(value).astype(array.dtype)
                arrays[name] = flat.reshape(array.shape)
    return sign(whole, write_arrays(arrays))


def change_header(rng, content):
    """Forge the header of the arrays: offsets, shapes, dtypes, its length."""
    text, packed = unzip(content)
    size = struct.unpack("<Q", packed[:8])[0]
    header, data = json.loads(packed[8 : 8 + size]), packed[8 + size :]
    kind = rng.randrange(5)
    if kind == 0:
        length = rng.choice([0, 1, size - 1, size + 1, 2**30, 2**63, 2**64 - 1])
        return sign(json.loads(text), struct.pack("<Q", length) + packed[8:])
    names = [name for name in header if name != "__metadata__"]
    for name in rng.sample(names, min(len(names), 2)):
        entry = header[name]
        if kind == 1:
            entry["data_offsets"] = [rng.choice(NUMBERS[:11]), rng.choice(NUMBERS[:11])]
        elif kind == 2:
            entry["shape"] = [rng.choice(NUMBERS[:11]) for _ in range(rng.randrange(6))]
        elif kind == 3:
            entry["dtype"] = rng.choice(["F64", "BF16", "F8_E4M3", "BOOL", "I8", "X", "F4"])
        else:
            header["\u00e9" + name] = header.pop(name)
    forged = json.dumps(header).encode()
    return sign(json.loads(text), struct.pack("<Q", len(forged)) + forged + data)


def change_zip(rng, content):
    text, arrays = unzip(content)
    name = rng.choice(["../membseg.json", "/etc/passwd", "MEMBSEG.JSON", "a" * 300, "model.keras"])
    kind = rng.randrange(11)
    if kind == 0:
        return rezip([(name, text), (ARRAYS, arrays)])
    if kind == 1:
        return rezip([(JSON, text), (JSON, text)])
    if kind == 2:
        return rezip([(JSON, text), (ARRAYS, arrays), (name, b"x")])
    if kind == 3:
        return rezip([(JSON, text), (ARRAYS, arrays), (ARRAYS, arrays)])
    if kind == 4:
        return rezip([(JSON, text), (ARRAYS, arrays)], zipfile.ZIP_DEFLATED)
    if kind == 5:
        return rezip([(JSON, text)])
    if kind == 6:
        return bomb()
    if kind == 7:
        return rezip([(f"{i:05d}", b"") for i in range(rng.choice([3, 1000]))])
    # A field of a header, of a member or of the directory, of the end.
    damaged = bytearray(content)
    signature = rng.choice([b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"])
    place = damaged.find(signature) + rng.randrange(4, 30)
    if place < len(damaged):
        damaged[place] = rng.choice([0, 1, 8, 0x41, 127, 255])
    return bytes(damaged)


_BOMB = []


def bomb():
    """Give a zip file of 200 kB that becomes 200 MB."""
    if not _BOMB:
        _BOMB.append(rezip([(JSON, bytes(2 * 10**8)), (ARRAYS, b"")], zipfile.ZIP_DEFLATED))
    return _BOMB[0]


def craft_json(rng, content):
    """Write JSON that a lenient parser takes."""
    text, arrays = unzip(content)
    kind = rng.randrange(8)
    if kind == 0:
        text = b"[" * 10 ** rng.randrange(1, 6)
    elif kind == 1:
        text = b'{"a":' * 10 ** rng.randrange(1, 5) + b"1" + b"}" * 10
    elif kind == 2:
        text = text.replace(b'"kind"', b'"kind": "a", "kind"', 1)
    elif kind == 3:
        text = text.replace(
            b"0.5", rng.choice([b"NaN", b"Infinity", b"1e999", b"-1e999", b"1" * 5000])
        )
    elif kind == 4:
        text = text.replace(b"membseg", rng.choice([b"\\ud800", b"\xff\xfe", b"\\u0000"]), 1)
    elif kind == 5:
        text = b" " * 9 * 10**6 + text
    elif kind == 6:
        text = rng.choice([b"", b"null", b"[]", b"1", b'"a"', b"{}", b"{", b'{"format": 1}'])
    else:
        text = text.replace(
            b'"format": 1', b'"format": ' + rng.choice([b"2", b"0", b"-1", b"1.0", b"true", b"1e3"])
        )
    return rezip([(JSON, text), (ARRAYS, arrays)])


def foreign(rng, content, canary="canary"):
    """Give a file of another kind."""
    payload = pickle.dumps(Payload(canary))
    array = io.BytesIO()
    np.save(array, np.array([Payload(canary)], dtype=object), allow_pickle=True)
    return rng.choice(
        [
            b"",
            b"PK",
            b"\x89PNG\r\n\x1a\n" + bytes(100),
            b"\x89HDF\r\n\x1a\n" + bytes(100),
            b"\x1f\x8b" + zlib.compress(bytes(100)),
            payload,
            array.getvalue(),
            rezip([("data.pkl", payload)]),
            rezip([(JSON, payload), (ARRAYS, payload)]),
            rezip([("config.json", b"{}"), ("model.weights.h5", b""), ("metadata.json", b"{}")]),
            rezip([("schema.json", b'{"__class__": "system", "__module__": "os"}')]),
            b"import os\nos.system('touch canary')\n",
            rng.randbytes(200),
        ]
    )


WAYS = [
    flip, truncate, splice, change_json, change_json, change_json, change_arrays, change_arrays,
    change_header, change_zip, craft_json, foreign,
]  # fmt: skip


# ---------------------------------------------------------------------------------------- the watch


def read_seeds(names=None):
    """Read good files, of which damaged ones are made."""
    paths = sorted(DATA.glob("format1_*.membseg"))
    return {
        path.stem.removeprefix("format1_"): path.read_bytes()
        for path in paths
        if names is None or path.stem.removeprefix("format1_") in names
    }


def packages():
    return {name.split(".")[0] for name in sys.modules}


def warm_up(folder, seeds):
    """Import whatever good files, and builders that forged ones name, need."""
    importlib.import_module("membseg.networks")
    path = Path(folder) / "good.membseg"
    for name, content in seeds.items():
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            good = membseg.load(path)
        if name == "forest":  # its features need more
            good.predict_proba(np.random.default_rng(0).normal(size=(1, 32, 32)))


def run(folder, seeds, n_files, seed):
    """Load damaged files; give counts, and what went wrong as (way, number, what)."""
    rng = random.Random(seed)
    path, canary = Path(folder) / "file.membseg", Path(folder) / "canary"
    counts, wrong = Counter(), []
    known = packages()
    X = np.random.default_rng(0).normal(size=(1, 32, 32))
    for number in range(n_files):
        way, name = rng.choice(WAYS), rng.choice(sorted(seeds))
        options = {"canary": canary} if way is foreign else {}
        content = way(rng, seeds[name], **options)
        path.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", ModelFileWarning)
                loaded = membseg.load(path)
            counts[f"{way.__name__}: loaded"] += 1
        except MembsegError as error:
            counts[f"{way.__name__}: refused"] += 1
            if str(path) not in str(error):
                wrong.append((way.__name__, number, f"no path in: {error}"))
        except BaseException:
            wrong.append((way.__name__, number, traceback.format_exc()))
        else:
            # Trees are walked by code that trusts them: a wrong one would end this process.
            if name == "forest" and way is change_arrays and hasattr(loaded, "estimator_"):
                loaded.predict_proba(X)
        if canary.exists():
            wrong.append((way.__name__, number, "code ran"))
            canary.unlink()
    strangers = packages() - known
    if strangers:
        wrong.append(("import", n_files, f"imported {sorted(strangers)}"))
    return counts, wrong


def main():
    n_files = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    seeds = read_seeds()
    watching, seen = [], []

    def hook(event, arguments):
        if watching and event.startswith(FORBIDDEN):
            seen.append(f"{event} {str(arguments)[:100]}")

    sys.addaudithook(hook)
    with tempfile.TemporaryDirectory() as folder:
        warm_up(folder, seeds)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        watching.append(True)
        counts, wrong = run(folder, seeds, n_files, seed)
        watching.clear()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    report = {
        "n_files": n_files,
        "counts": dict(sorted(counts.items())),
        "wrong": [(way, number, what[-2000:]) for way, number, what in wrong[:20]],
        "n_wrong": len(wrong),
        "events": seen[:20],
        "peak_bytes": peak,
        "peak_bytes_before": before,
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return int(bool(wrong or seen or peak - before > MOST_GROWTH))


if __name__ == "__main__":
    sys.exit(main())
