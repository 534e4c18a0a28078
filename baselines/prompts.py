"""CLIP's text tower for learned prompts, without redundant computation.

The tower is causal: a token attends only to itself and to tokens before it. The prefix of the class names, [start, v₁ … v_M]
and any words that stay behind the context, is therefore equal for all classes in every layer; it is computed once, and its
keys and values are shared. Tokens after the end-of-text token are never read and are dropped. In the last layer only the
end-of-text tokens have queries. The queries, keys and values of the names in the first layer do not depend on the context and
are computed once for all training steps. The text features are exact, not approximated.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.methods.clip import Clip, Model
from benchmark.numerics.matmul import product, through

EVERY, LAST = slice(None), slice(-1, None)
"""Tokens of a name that have queries: all, or in the last layer only the end-of-text token."""


class Group(NamedTuple):
    """Classes with names of equal length.

    Attributes:
        rows: Rows of these classes among the packed tokens of all names.
        length: Tokens of a name, and rows per class.
        mask: Booleans [length, P + length], true where a token of a name (row) attends to a token of the prefix or the name
            (column).
    """

    rows: slice
    length: int
    mask: Tensor


class Heads(NamedTuple):
    """Queries, keys and values of tokens, each [..., tokens, heads, width of a head]."""

    q: Tensor
    k: Tensor
    v: Tensor


class Remembered:
    """An encoder that, without gradients, reuses its last output if its inputs equal the last ones.

    Inputs are compared by value. Therefore no change of them (a training step, a loaded state_dict, an assignment to .data)
    can yield an outdated output.

    Args:
        encode: Function of tensors to cache.
    """

    def __init__(self, encode: Callable[..., Tensor]) -> None:
        self.encode = encode
        self.last: tuple[list[Tensor], Tensor] | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Output of `encode` for these inputs."""
        if torch.is_grad_enabled():
            return self.encode(*inputs)
        if self.last is None or not all(map(torch.equal, self.last[0], inputs)):
            self.last = ([x.clone() for x in inputs], self.encode(*inputs))
        return self.last[1]


def word_tokens(clip: Clip, words: str) -> Tensor:
    """Token ids [tokens] of words without start and end token; underscores are replaced by spaces, as in CoOp's code."""
    tokens = clip.tokenize([words.replace("_", " ")])[0]
    return tokens[1 : int(tokens.argmax())].to(clip.model.positional_embedding.device)


@torch.no_grad()
def word_embeddings(clip: Clip, words: str) -> Tensor:
    """Token embeddings [tokens, width] of words, before the position embeddings are added."""
    return clip.model.token_embedding(word_tokens(clip, words))


@torch.no_grad()
def kept_words(clip: Clip, words: str, n_ctx: int) -> Tensor:
    """Inputs [K, width] of the first layer for the tokens of `words` that stay behind the context, positions included."""
    kept = word_embeddings(clip, words)[n_ctx:]
    return kept + clip.model.positional_embedding[1 + n_ctx :][: len(kept)]


class PromptEncoder:
    """Text features of "[start] v₁ … v_M words name. [end]" for every class, as a function of the context v.

    It is not an nn.Module, so that CLIP's weights are not parameters of the predictor. The tokens of all names are packed one
    name after another, shortest names first, so that no padding is computed. A name that does not fit behind M context
    vectors and a tower that is not causal raise a ValueError.

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
        order = lengths.argsort(stable=True)
        self.ends = lengths[order].cumsum(0) - 1
        self.unsorted = order.argsort()
        self.groups = _groups(lengths[order], prefix=1 + n_ctx + len(self.kept))
        self._embed(tokens[order], lengths[order].tolist(), n_ctx)

    def __call__(self, context: Tensor, deep: Sequence[Tensor] = ()) -> Tensor:
        """Encode the prompts.

        Args:
            context: Context vectors [M, width].
            deep: Further context vectors [M, width], which replace the context at the input of the second, the third and
                further layers (MaPLe). Position embeddings are added before the first layer only.

        Returns:
            Text features [C, D], not normalised.

        Raises:
            ValueError: There are at least as many deep prompts as layers.
        """
        if len(deep) >= len(self.blocks):
            raise ValueError(
                f"{len(deep)} deep prompts behind the first, but the text tower has {len(self.blocks)} layers"
            )
        prefix = torch.cat([self.start, context + self.positions, self.kept])
        x = self.names
        for block, following in zip_longest(self.blocks[:-1], deep):
            shared, own = heads(block, prefix), self._name_heads(block, x)
            x = finish(block, x, self._attend(own, shared))
            prefix = finish(block, prefix, attend_causally(Heads(*(t[None] for t in shared)))[0])
            if following is not None:
                prefix = torch.cat([prefix[:1], following, prefix[1 + len(following) :]])
        block = self.blocks[-1]
        mixed = self._attend(self._name_heads(block, x), heads(block, prefix), LAST)
        x = finish(block, x[self.ends], mixed)
        return project(self.model, x)[self.unsorted]

    @torch.no_grad()
    def _embed(self, tokens: Tensor, lengths: list[int], n_ctx: int) -> None:
        """Compute the inputs of the first layer other than the context: token embeddings plus position embeddings."""
        embed, positions = self.model.token_embedding, self.model.positional_embedding
        self.start = embed(tokens[:1, 0]) + positions[:1]
        self.positions = positions[1 : 1 + n_ctx].detach()
        behind = positions[1 + n_ctx + len(self.kept) :]
        self.names = torch.cat([embed(row[1 : 1 + n]) + behind[:n] for row, n in zip(tokens, lengths, strict=True)])
        self.first = heads(self.blocks[0], self.names)

    def _name_heads(self, block: Model, x: Tensor) -> Heads:
        """Queries, keys and values of the names; in the first layer they do not depend on the context and are precomputed."""
        return self.first if block is self.blocks[0] else heads(block, x)

    def _attend(self, own: Heads, shared: Heads, asking: slice = EVERY) -> Tensor:
        """Attention of the `asking` tokens of every name to the shared prefix and to the tokens of the name."""
        return torch.cat([_attend_group(own, shared, group, asking) for group in self.groups])


def name_tokens(clip: Clip, classnames: Sequence[str], n_ctx: int, words: str = "") -> tuple[Tensor, Tensor]:
    """Tokenize "[start] name. [end]" for every class.

    CLIP's tokens do not reach across a space, so these are the tokens of the name in "words name." too. A name that does not
    fit behind the context vectors and the words raises a ValueError too.

    Args:
        clip: CLIP model.
        classnames: Names of the C classes; underscores are replaced by spaces.
        n_ctx: Number of context vectors.
        words: Text in front of the names whose first n_ctx tokens the context replaces.

    Returns:
        Token ids [C, L], and the number of tokens of each name after the start token [C].

    Raises:
        ValueError: The text tower is not causal.
    """
    if clip.model.attn_mask is None:
        raise ValueError("this CLIP's text tower is not causal, so prompts share no beginning")
    positions = clip.model.positional_embedding
    tokens = clip.tokenize([name.replace("_", " ") + "." for name in classnames])  # CoOp ends the name with a full stop
    lengths = tokens.argmax(1)  # name, full stop and end token; the start token belongs to the prefix
    _check_fit(classnames, lengths.tolist(), n_ctx, len(word_tokens(clip, words)), context=len(positions))
    return tokens.to(positions.device), lengths.to(positions.device)


def project(model: Model, x: Tensor) -> Tensor:
    """Text features [..., D] of end-of-text tokens [..., width] after the last block."""
    x, projection = model.ln_final(x), model.text_projection
    if projection is None:
        return x
    return through(projection, x) if isinstance(projection, nn.Module) else product(x, projection.T)


def _check_fit(names: Sequence[str], lengths: list[int], n_ctx: int, words: int, context: int) -> None:
    """Raise a ValueError unless context vectors, words behind them and the longest name fit into the tower's positions."""
    if n_ctx < 1:
        raise ValueError(f"n_ctx={n_ctx}: a prompt needs at least one context vector")
    longest = max(lengths)
    takes, room = 1 + max(n_ctx, words) + longest, context - 1 - longest
    if takes > context:
        kept = f", the {words - n_ctx} tokens of ctx_init behind it" if words > n_ctx else ""
        remedy = f"a ctx_init of {room} tokens" if words >= n_ctx else f"n_ctx={room}"
        raise ValueError(
            f"n_ctx={n_ctx} does not fit: with the start token{kept} and the {longest} tokens of"
            f" {names[lengths.index(longest)]!r} it takes {takes} of {context} positions of the text tower; "
            + (f"try {remedy}" if room > 0 else "shorten the name")
        )


def _groups(lengths: Tensor, prefix: int) -> list[Group]:
    """Group classes by the length of their names, given in ascending order [C]."""
    groups, start = [], 0
    for length in lengths.unique().tolist():
        stop = start + length * int((lengths == length).sum())
        mask = torch.ones(length, prefix + length, dtype=torch.bool, device=lengths.device).tril(prefix)
        groups.append(Group(slice(start, stop), length, mask))
        start = stop
    return groups


def heads(block: Model, x: Tensor) -> Heads:
    """Queries, keys and values of tokens [..., T, width] in a transformer block."""
    attention = block.attn
    projected = product(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    return Heads(*projected.unflatten(-1, (3, attention.num_heads, -1)).unbind(-3))


def _attend_group(own: Heads, shared: Heads, group: Group, asking: slice) -> Tensor:
    """Attention output of the `asking` tokens of a group, [tokens, width]."""

    def by_class(x: Tensor) -> Tensor:
        """Reshape packed tokens [T, heads, d] to [classes, heads, length, d]."""
        return x[group.rows].unflatten(0, (-1, group.length)).transpose(1, 2)

    def with_prefix(prefix: Tensor, x: Tensor) -> Tensor:
        """Prepend the prefix [P, heads, d] to the tokens of each class: [classes, heads, P + length, d]."""
        x = by_class(x)
        return torch.cat([prefix.transpose(0, 1).expand(len(x), -1, -1, -1), x], 2)

    k, v = with_prefix(shared.k, own.k), with_prefix(shared.v, own.v)
    q, mask = by_class(own.q)[:, :, asking], group.mask[asking]
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return mixed.transpose(1, 2).flatten(0, 1).flatten(1)


def attend_causally(x: Heads) -> Tensor:
    """Causal self-attention within each of B prefixes, [B, P, width]."""
    q, k, v = (t.transpose(1, 2) for t in x)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


def finish(block: Model, x: Tensor, mixed: Tensor) -> Tensor:
    """Apply the part of a transformer block after its attention: output projection, residual, feed-forward."""
    x = x + block.ls_1(through(block.attn.out_proj, mixed))
    return x + block.ls_2(through(block.mlp, block.ln_2(x)))
