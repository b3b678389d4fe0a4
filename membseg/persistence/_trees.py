"""Grown trees of scikit-learn as plain arrays, checked before any of its C code walks them."""

from typing import Any

import numpy as np

#: Fields of a node, as scikit-learn names them -> dtype in files.
_FIELDS = {
    "left_child": np.int32,
    "right_child": np.int32,
    "feature": np.int32,
    "threshold": np.float64,
    "impurity": np.float64,
    "n_node_samples": np.int64,
    "weighted_n_node_samples": np.float64,
    "missing_go_to_left": np.uint8,
}

#: What stands in a leaf, which has no children and looks at no feature.
_NO_CHILD, _NO_FEATURE = -1, -2


def is_tree(thing: Any) -> bool:
    """Whether something is a grown tree of scikit-learn."""
    from sklearn.tree._tree import Tree

    return type(thing) is Tree


def tree_arrays(tree: Any) -> dict[str, np.ndarray] | None:
    """Give the arrays of a tree, or None where this scikit-learn grows other ones."""
    state = tree.__getstate__()
    nodes, values = state["nodes"], state["values"]
    if set(nodes.dtype.names) != set(_FIELDS) or tree.n_outputs != 1:
        return None
    arrays = {name: nodes[name].astype(dtype) for name, dtype in _FIELDS.items()}
    return arrays | {"values": values, "n_features": np.array(tree.n_features)}


def make_tree(arrays: dict[str, np.ndarray]) -> Any:
    """Make a tree from its arrays.

    Parameters
    ----------
    arrays : dict of str to ndarray
        From :func:`tree_arrays`, or from anybody.

    Returns
    -------
    sklearn.tree._tree.Tree
        The tree. Every path through it ends in a leaf, and looks at features that there are.

    Raises
    ------
    ValueError
        If the arrays make no tree, or this scikit-learn has trees of another kind.
    """
    from sklearn.tree._tree import Tree

    _check_arrays(arrays)
    n_nodes, _, n_classes = arrays["values"].shape
    n_features = int(arrays["n_features"])
    depth = _check_paths(arrays, n_features)
    tree = Tree(n_features, np.array([n_classes], dtype=np.intp), 1)
    dtype = Tree(1, np.array([2], dtype=np.intp), 1).__getstate__()["nodes"].dtype
    if set(dtype.names) != set(_FIELDS):
        raise ValueError("this version of scikit-learn has trees of another kind")
    nodes = np.zeros(n_nodes, dtype=dtype)
    for name in _FIELDS:
        nodes[name] = arrays[name]
    values = np.ascontiguousarray(arrays["values"], dtype=np.float64)
    tree.__setstate__({"max_depth": depth, "node_count": n_nodes, "nodes": nodes, "values": values})
    return tree


def _check_arrays(arrays: dict[str, np.ndarray]) -> None:
    if set(arrays) != {*_FIELDS, "values", "n_features"}:
        raise ValueError("a tree of it has other arrays than a tree has")
    values, n_features = arrays["values"], arrays["n_features"]
    sound = (
        values.ndim == 3
        and values.shape[0] >= 1
        and values.shape[1] == 1
        and 1 <= values.shape[2] <= 2
        and values.dtype == np.float64
        and bool(np.isfinite(values).all())
        and n_features.shape == ()
        and n_features.dtype.kind in "iu"
        and 1 <= int(n_features) < 2**31
    )
    if not sound or not all(
        arrays[name].shape == values.shape[:1] and arrays[name].dtype == dtype
        for name, dtype in _FIELDS.items()
    ):
        raise ValueError("a tree of it has arrays of a wrong shape or dtype")


def _check_paths(arrays: dict[str, np.ndarray], n_features: int) -> int:
    """Refuse paths that leave the tree or never end; give the length of the longest one."""
    left, right, feature = (arrays[name] for name in ("left_child", "right_child", "feature"))
    own = np.arange(len(left))
    leaf = left == _NO_CHILD
    inner = ~leaf
    sound = (
        (right[leaf] == _NO_CHILD).all()
        and (feature[leaf] == _NO_FEATURE).all()
        # Children stand behind their parents, so that no path comes back.
        and (left[inner] > own[inner]).all()
        and (right[inner] > own[inner]).all()
        and (feature[inner] >= 0).all()
        and (feature[inner] < n_features).all()
    )
    children = np.concatenate([left[inner], right[inner]])
    if not sound or not np.array_equal(np.sort(children), own[1:]):
        raise ValueError("a tree of it has a path that leads nowhere")
    depths = np.zeros(len(left), dtype=np.int64)
    # One after the other: parents stand in front.
    for parent in np.flatnonzero(inner).tolist():
        depths[left[parent]] = depths[right[parent]] = depths[parent] + 1
    return int(depths.max())
