"""CLIP's text tower for prompts with a separate context for each image, without redundant computation.

All tokens after the context depend on the image, so the text tower runs once per image. It is causal, so names with a common
beginning ("tiger dax", "tiger wug") share the states of those tokens: the tokens of all names form a tree whose nodes are
computed once per image. The queries, keys and values of the names in the first layer do not depend on the image and are
computed only once. Tokens after the end-of-text token are dropped, and in the last layer only the end-of-text tokens have
queries. The text features are exact, not approximated.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from baselines.prompts import Heads, attend_causally, finish, heads, kept_words, name_tokens, project
from benchmark.methods.clip import Clip, Model


class Tree(NamedTuple):
    """The tokens of the names as a tree of T nodes, with at most L tokens per name; equal names end in one node.

    Attributes:
        tokens: Token ids of the nodes [T].
        depth: Number of tokens of the name before each node [T].
        path: Nodes from the root to each node inclusive, padded with the node [T, L].
        filled: Whether an element of `path` is padding [T, L].
        ends: End-of-text node of each class [C].
    """

    tokens: Tensor
    depth: Tensor
    path: Tensor
    filled: Tensor
    ends: Tensor


def tree(rows: Sequence[Sequence[int]]) -> Tree:
    """Build the tree of token sequences.

    Args:
        rows: Token ids of each class.

    Returns:
        The tree.

    Example:
        >>> found = tree([[7, 8, 1], [7, 9, 1]])  # "7" is shared
        >>> found.tokens.tolist(), found.depth.tolist(), found.ends.tolist()
        ([7, 8, 1, 9, 1], [0, 1, 2, 1, 2], [2, 4])
    """
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
    """Text features of "[start] v₁ … v_M words name. [end]" for every class, as a function of one context v for each image.

    It is not an nn.Module, so that CLIP's weights are not parameters of the predictor. A name that does not fit behind M
    context vectors and a tower that is not causal raise a ValueError.

    Args:
        clip: CLIP model.
        classnames: Names of the C classes.
        n_ctx: Number of context vectors M.
        words: Text in front of the names whose first M tokens the context replaces; tokens after them stay.
    """

    def __init__(self, clip: Clip, classnames: Sequence[str], n_ctx: int, words: str = "") -> None:
        self.model: Model = clip.model
        self.blocks: list[Model] = list(self.model.transformer.resblocks)
        tokens, lengths = name_tokens(clip, classnames, n_ctx, words)
        self.kept = kept_words(clip, words, n_ctx)
        rows = [row[1 : 1 + n] for row, n in zip(tokens.tolist(), lengths.tolist(), strict=True)]
        self.tree = Tree(*(part.to(tokens.device) for part in tree(rows)))
        self._embed(int(tokens[0, 0]), n_ctx)

    @property
    def floats(self) -> int:
        """Approximate peak of the numbers in memory during the forward pass of one image."""
        nodes, longest = self.tree.path.shape
        # Keys and values on the path; queries, keys, values; two tensors of the MLP, four times as wide; the states.
        widths = 2 * longest + 3 + 8 + 1
        return nodes * widths * self.names.shape[1]

    def __call__(self, contexts: Tensor) -> Tensor:
        """Text features [B, C, D], not normalised, for the context vectors of B images [B, M, width]."""
        start, kept = (part.expand(len(contexts), -1, -1) for part in (self.start, self.kept))
        prefix, x = torch.cat([start, contexts + self.positions, kept], 1), self.names[None]
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
        """Compute inputs independent of the context, and queries, keys and values of the names in the first layer."""
        embed, positions = self.model.token_embedding, self.model.positional_embedding.detach()
        self.start = embed(self.tree.tokens.new_tensor([start])) + positions[:1]
        self.positions = positions[1 : 1 + n_ctx]
        self.names = embed(self.tree.tokens) + positions[1 + n_ctx + len(self.kept) + self.tree.depth]
        self.first = heads(self.blocks[0], self.names[None])

    def _attend(self, own: Heads, shared: Heads, asking: Tensor) -> Tensor:
        """Attention of the `asking` nodes [A] to the prefix of their image and to the nodes on their path, [B, A, width]."""
        path, filled = self.tree.path[asking], self.tree.filled[asking]
        q = own.q[:, asking] / own.q.shape[-1] ** 0.5
        k, v = (x.index_select(1, path.flatten()).unflatten(1, path.shape) for x in (own.k, own.v))
        on_path = (q[:, :, None] * k).sum(-1).masked_fill(filled[..., None], -torch.inf)  # [B, A, L, heads]
        in_front = torch.einsum("bahd,bphd->baph", q, shared.k)
        weights = torch.cat([in_front, on_path.expand(len(in_front), -1, -1, -1)], 2).softmax(2)
        front, behind = weights.split([in_front.shape[2], path.shape[1]], 2)
        mixed = torch.einsum("baph,bphd->bahd", front, shared.v) + (behind[..., None] * v).sum(2)
        return mixed.flatten(2)
