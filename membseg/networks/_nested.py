"""The nested way up of U-Net++."""

from typing import Any

import keras

from membseg.networks._unet_blocks import UNetBlocks


def nested_ends(blocks: UNetBlocks, levels: list[Any]) -> list[Any]:
    """Fill the space between the way down and the way up with nodes.

    Parameters
    ----------
    blocks : UNetBlocks
        How the nodes' blocks are made.
    levels : list of tensor
        Features of each level on the way down, from fine to coarse: the nodes x(i, 0).

    Returns
    -------
    list of tensor
        The nodes of the finest level, x(0, 1) to x(0, depth).

    Notes
    -----
    Equation 1 of the paper: a node x(i, j) takes all nodes before it in its level, and the one
    before it in the next coarser level, enlarged by a transposed convolution.

    References
    ----------
    Zhou, Rahman Siddiquee, Tajbakhsh and Liang (2018), "UNet++: A Nested U-Net Architecture for
    Medical Image Segmentation", doi 10.1007/978-3-030-00889-5_1.
    """
    depth = len(levels) - 1
    nodes = [[x] for x in levels]
    for j in range(1, depth + 1):
        for i in range(depth - j + 1):
            nodes[i].append(_node(blocks, nodes[i], nodes[i + 1][j - 1], f"node{i}_{j}", i, j))
    return nodes[0][1:]


def _node(blocks: UNetBlocks, before: list[Any], below: Any, name: str, i: int, j: int) -> Any:
    style, filters = blocks.style, before[0].shape[-1]
    enlarged = style.upsample(below, filters, f"{name}_upsample")
    bridge = keras.layers.Concatenate(name=f"{name}_bridge", dtype=style.dtype)
    # One block a level down, and then two a column: this one, and one of the level below.
    return blocks.make(bridge([*before, enlarged]), filters, name, number=i + 2 * j + 1)
