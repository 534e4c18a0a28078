"""CLIP's text tower for prompts whose context differs from image to image, with nothing computed twice.

What stands in front of the names is then every image's own, and so is all that follows it: the text tower runs once an
image. The tower is causal, so names that begin alike ("tiger dax", "tiger wug") share those tokens' states: the tokens of
all names form a tree whose nodes are computed once an image. The first layer's queries, keys and values of the names
depend on no image; they are computed once. What follows the end-of-text token is cut off, and in the last layer only
that token asks. All of it is exact.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from baselines.prompts import Heads, attend_causally, finish, heads, name_tokens, project
from benchmark.methods.clip import Clip


class Tree(NamedTuple):
    """The names' tokens as a tree of T nodes, at most L tokens a name; equal names end in one node."""

    tokens: Tensor
    """The nodes' token ids, [T]."""
    depth: Tensor
    """How many tokens of the name stand before a node, [T]."""
    path: Tensor
    """The nodes on the way to a node and the node itself, filled up with the node itself, [T, L]."""
    filled: Tensor
    """Where `path` is only filled up, [T, L]."""
    ends: Tensor
    """Every class's end-of-text node, [C]."""


def tree(rows: Sequence[Sequence[int]]) -> Tree:
    """The tree of token sequences, one a class."""
    nodes: dict[tuple[int, ...], int] = {}
    for row in rows:
        for stop in range(1, len(row) + 1):
            nodes.setdefault(tuple(row[:stop]), len(nodes))
    longest = max(map(len, rows))
    paths = [[nodes[node[:stop]] for stop in range(1, len(node) + 1)] for node in nodes]
    return Tree(
        tokens=torch.tensor([node[-1] for node in nodes]),
        depth=torch.tensor([len(node) - 1 for node in nodes]),
        path=torch.tensor([path + path[-1:] * (longest - len(path)) for path in paths]),
        filled=torch.tensor([[place >= len(path) for place in range(longest)] for path in paths]),
        ends=torch.tensor([nodes[tuple(row)] for row in rows]),
    )


class PromptTree:
    """Text features of "[start] v₁ … v_M name. [end]" for every class, as a function of many contexts v at once.

    Not an nn.Module, and refuses what PromptEncoder refuses, which does the same for one context.
    """

    def __init__(self, clip: Clip, classnames: Sequence[str], n_ctx: int) -> None:
        self.model: Any = clip.model
        self.blocks: list[Any] = list(self.model.transformer.resblocks)
        tokens, lengths = name_tokens(clip, classnames, n_ctx)
        rows = [row[1 : 1 + n] for row, n in zip(tokens.tolist(), lengths.tolist(), strict=True)]
        self.tree = Tree(*(part.to(tokens.device) for part in tree(rows)))
        self._embed(int(tokens[0, 0]), n_ctx)

    @property
    def floats(self) -> int:
        """How many numbers one image's forward pass holds at most at a time, about."""
        nodes, longest = self.tree.path.shape
        widths = (
            2 * longest + 3 + 8 + 1
        )  # keys and values on the path; q, k, v; the MLP's fourfold, twice; what goes through
        return nodes * widths * self.names.shape[1]

    def __call__(self, contexts: Tensor) -> Tensor:
        """Context vectors of B images, [B, M, width] -> text features [B, C, D], not normalised."""
        start = self.start.expand(len(contexts), -1, -1)
        prefix, x = torch.cat([start, contexts + self.positions], 1), self.names[None]
        everyone = torch.arange(len(self.names), device=x.device)
        for block in self.blocks[:-1]:
            own = self.first if block is self.blocks[0] else heads(block, x)
            shared = heads(block, prefix)
            x = finish(block, x, self._attend(own, shared, everyone))
            prefix = finish(block, prefix, attend_causally(shared))
        block = self.blocks[-1]
        mixed = self._attend(heads(block, x), heads(block, prefix), self.tree.ends)
        return project(self.model, finish(block, x[:, self.tree.ends], mixed))

    @torch.no_grad()
    def _embed(self, start: int, n_ctx: int) -> None:
        """Everything that no context changes: embeddings at their positions, and the first layer's view of the names."""
        embed, positions = self.model.token_embedding, self.model.positional_embedding.detach()
        self.start = embed(self.tree.tokens.new_tensor([start])) + positions[:1]
        self.positions = positions[1 : 1 + n_ctx]
        self.names = embed(self.tree.tokens) + positions[1 + n_ctx + self.tree.depth]
        self.first = heads(self.blocks[0], self.names[None])

    def _attend(self, own: Heads, shared: Heads, asking: Tensor) -> Tensor:
        """The asking nodes [A] look at their image's prefix and at the nodes on their path -> [B, A, width]."""
        path, filled = self.tree.path[asking], self.tree.filled[asking]
        q = own.q[:, asking] / own.q.shape[-1] ** 0.5
        k, v = (x.index_select(1, path.flatten()).unflatten(1, path.shape) for x in (own.k, own.v))
        on_path = (q[:, :, None] * k).sum(-1).masked_fill(filled[..., None], -torch.inf)  # [B, A, L, heads]
        in_front = torch.einsum("bahd,bphd->baph", q, shared.k)
        weights = torch.cat([in_front, on_path.expand(len(in_front), -1, -1, -1)], 2).softmax(2)
        front, behind = weights.split([in_front.shape[2], path.shape[1]], 2)
        mixed = torch.einsum("baph,bphd->bahd", front, shared.v) + (behind[..., None] * v).sum(2)
        return mixed.flatten(2)
