"""The tokens of class names as a tree: names with a common beginning ("tiger dax", "tiger wug") share its nodes."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor


class Level(NamedTuple):
    """Nodes of equal depth, n in number, in ascending order.

    Attributes:
        nodes: The nodes, as a slice or as indices [n].
        path: Nodes from the root to each of them inclusive [n, depth + 1].
    """

    nodes: slice | Tensor
    path: Tensor


class Tree(NamedTuple):
    """The tokens of the names of C classes as a tree of T nodes, the nodes in ascending order of depth.

    Attributes:
        tokens: Token ids of the nodes [T].
        depth: Number of tokens of the name before each node [T].
        levels: All nodes by depth.
        ends: End-of-text nodes by depth.
        classes: Place of the end-of-text node of each class among those of `ends` [C]; equal names have one node.
    """

    tokens: Tensor
    depth: Tensor
    levels: list[Level]
    ends: list[Level]
    classes: Tensor


def tree(rows: Sequence[Sequence[int]], device: torch.device | None = None) -> Tree:
    """Build the tree of token sequences.

    Args:
        rows: Token ids of each class.
        device: Device of the tensors; None for the CPU.

    Returns:
        The tree.

    Example:
        >>> found = tree([[7, 8, 1], [7, 9, 1]])  # "7" is shared
        >>> found.tokens.tolist(), found.depth.tolist(), found.classes.tolist()
        ([7, 8, 9, 1, 1], [0, 1, 1, 2, 2], [0, 1])
        >>> [level.path.tolist() for level in found.levels]
        [[[0]], [[0, 1], [0, 2]], [[0, 1, 3], [0, 2, 4]]]
    """
    beginnings = {tuple(row[:stop]) for row in rows for stop in range(1, len(row) + 1)}
    texts = sorted(beginnings, key=lambda text: (len(text), text))
    place = {text: i for i, text in enumerate(texts)}
    whole = {place[tuple(row)] for row in rows}
    levels, ends = [], []
    for _, group in groupby(texts, len):
        paths = [[place[text[:stop]] for stop in range(1, len(text) + 1)] for text in group]
        levels.append(Level(slice(paths[0][-1], paths[-1][-1] + 1), torch.tensor(paths, device=device)))
        kept = torch.tensor([path for path in paths if path[-1] in whole], device=device)
        if len(kept):
            ends.append(Level(kept[:, -1], kept))
    end = {node: i for i, node in enumerate(sorted(whole))}
    return Tree(
        tokens=torch.tensor([text[-1] for text in texts], device=device),
        depth=torch.tensor([len(text) - 1 for text in texts], device=device),
        levels=levels,
        ends=ends,
        classes=torch.tensor([end[place[tuple(row)]] for row in rows], device=device),
    )
