"""CLIP's text tower for learned prompts, with nothing computed twice.

The tower is causal: a token sees only what stands before it. With the learned context in front, the beginning
[start, v₁ … v_M] is therefore the same for every class in every layer: it is computed once, and its keys and values
are shared. What follows the end-of-text token is never read and is cut off; in the last layer only that token asks.
The first layer sees names that no context has reached: it is worked out once for all steps. All of it is exact.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.methods.clip import Clip
from benchmark.numerics.matmul import product, through

EVERY, LAST = slice(None), slice(-1, None)
"""Which of a name's tokens ask: in the last layer only the end-of-text token."""


class Group(NamedTuple):
    """Classes with equally long names: their rows among the packed tokens, `length` rows a class."""

    rows: slice
    length: int
    mask: Tensor
    """[length, P + length], true where a name's token (row) may see a token of prefix and name (column)."""


class Heads(NamedTuple):
    """Queries, keys and values of some tokens, each [..., tokens, heads, width of a head]."""

    q: Tensor
    k: Tensor
    v: Tensor


class Remembered:
    """An encoder that gives its last answer again where its inputs are equal to the last and no gradient is wanted.

    Inputs are compared by value: no way of changing them (a step, a loaded state, an assignment to .data) can leave an
    old answer behind.
    """

    def __init__(self, encode: Callable[..., Tensor]) -> None:
        self.encode = encode
        self.last: tuple[list[Tensor], Tensor] | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """encode(*inputs)."""
        if torch.is_grad_enabled():
            return self.encode(*inputs)
        if self.last is None or not all(map(torch.equal, self.last[0], inputs)):
            self.last = ([x.clone() for x in inputs], self.encode(*inputs))
        return self.last[1]


@torch.no_grad()
def word_embeddings(clip: Clip, words: str) -> Tensor:
    """What the text tower reads in place of the words' tokens, before positions are added -> [tokens, width]."""
    tokens = clip.tokenize([words])[0]
    tokens = tokens[1 : int(tokens.argmax())]  # without start and end
    return clip.model.token_embedding(tokens.to(clip.model.positional_embedding.device))


class PromptEncoder:
    """Text features of "[start] v₁ … v_M name. [end]" for every class, as a function of the context v.

    Not an nn.Module: CLIP's weights are no parameters of the predictor that uses it. The tokens of all names lie packed
    behind one another, the shortest names first, so that no padding is ever computed.
    ValueError when M context vectors and the longest name do not fit, or when the tower is not causal.
    """

    def __init__(self, clip: Clip, classnames: Sequence[str], n_ctx: int) -> None:
        self.model: Any = clip.model
        self.blocks: list[Any] = list(self.model.transformer.resblocks)
        tokens, lengths = name_tokens(clip, classnames, n_ctx)
        order = lengths.argsort(stable=True)
        self.ends = lengths[order].cumsum(0) - 1
        self.unsorted = order.argsort()
        self.groups = _groups(lengths[order], prefix=1 + n_ctx)
        self._embed(tokens[order], lengths[order].tolist(), n_ctx)

    def __call__(self, context: Tensor, deep: Sequence[Tensor] = ()) -> Tensor:
        """Context vectors [M, width] -> text features [C, D], not normalised.

        deep: other context vectors [M, width], which take the place of the context where the second, the third, ... layer
        begins (MaPLe), as they are: positions are added before the first layer alone. ValueError if there are too many.
        """
        if len(deep) >= len(self.blocks):
            raise ValueError(
                f"{len(deep)} deep prompts behind the first, but the text tower has {len(self.blocks)} layers"
            )
        prefix = torch.cat([self.start, context + self.positions])
        x = self.names
        for block, following in zip_longest(self.blocks[:-1], deep):
            shared, own = heads(block, prefix), self._own(block, x)
            x = finish(block, x, self._attend(own, shared))
            prefix = finish(block, prefix, attend_causally(Heads(*(t[None] for t in shared)))[0])
            if following is not None:
                prefix = torch.cat([prefix[:1], following])
        block = self.blocks[-1]
        mixed = self._attend(self._own(block, x), heads(block, prefix), LAST)
        x = finish(block, x[self.ends], mixed)
        return project(self.model, x)[self.unsorted]

    @torch.no_grad()
    def _embed(self, tokens: Tensor, lengths: list[int], n_ctx: int) -> None:
        """Everything that enters the first layer but the context: each token's embedding at its position."""
        embed, positions = self.model.token_embedding, self.model.positional_embedding
        self.start = embed(tokens[:1, 0]) + positions[:1]
        self.positions = positions[1 : 1 + n_ctx].detach()
        behind = positions[1 + n_ctx :]
        self.names = torch.cat([embed(row[1 : 1 + n]) + behind[:n] for row, n in zip(tokens, lengths, strict=True)])
        self.first = heads(self.blocks[0], self.names)

    def _own(self, block: Any, x: Tensor) -> Heads:
        """The names' queries, keys and values. In the first layer no context has come in, and they are always the same."""
        return self.first if block is self.blocks[0] else heads(block, x)

    def _attend(self, own: Heads, shared: Heads, asking: slice = EVERY) -> Tensor:
        """The asking tokens of every name look at the prefix, which all names share, and at their name's."""
        return torch.cat([_attend_group(own, shared, group, asking) for group in self.groups])


def name_tokens(clip: Clip, classnames: Sequence[str], n_ctx: int) -> tuple[Tensor, Tensor]:
    """Token ids of "[start] name. [end]" [C, L], and how many of them there are behind the start token [C].

    ValueError when n_ctx context vectors and the longest name do not fit, or when the tower is not causal.
    """
    if clip.model.attn_mask is None:
        raise ValueError("this CLIP's text tower is not causal, so prompts share no beginning")
    positions = clip.model.positional_embedding
    tokens = clip.tokenize([name.replace("_", " ") + "." for name in classnames])  # CoOp: "… {name}."
    lengths = tokens.argmax(1)  # of name, full stop and end; the start token belongs to the prefix
    _check_fit(classnames, lengths.tolist(), n_ctx, context=len(positions))
    return tokens.to(positions.device), lengths.to(positions.device)


def project(model: Any, x: Tensor) -> Tensor:
    """End-of-text tokens behind the last block [..., width] -> text features [..., D]."""
    x, projection = model.ln_final(x), model.text_projection
    if projection is None:
        return x
    return through(projection, x) if isinstance(projection, nn.Module) else product(x, projection.T)


def _check_fit(names: Sequence[str], lengths: list[int], n_ctx: int, context: int) -> None:
    if n_ctx < 1:
        raise ValueError(f"n_ctx={n_ctx}: a prompt needs at least one context vector")
    longest = max(lengths)
    if 1 + n_ctx + longest > context:
        name = names[lengths.index(longest)]
        raise ValueError(
            f"n_ctx={n_ctx} does not fit: with the start token and the {longest} tokens of {name!r} it takes"
            f" {1 + n_ctx + longest} of {context} positions of the text tower; try n_ctx={context - 1 - longest}"
        )


def _groups(lengths: Tensor, prefix: int) -> list[Group]:
    """Group ascending lengths [C] by value."""
    groups, start = [], 0
    for length in lengths.unique().tolist():
        stop = start + length * int((lengths == length).sum())
        mask = torch.ones(length, prefix + length, dtype=torch.bool, device=lengths.device).tril(prefix)
        groups.append(Group(slice(start, stop), length, mask))
        start = stop
    return groups


def heads(block: Any, x: Tensor) -> Heads:
    """Project tokens [..., T, width] into the block's queries, keys and values."""
    attention = block.attn
    projected = product(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    return Heads(*projected.unflatten(-1, (3, attention.num_heads, -1)).unbind(-3))


def _attend_group(own: Heads, shared: Heads, group: Group, asking: slice) -> Tensor:
    """Attention of one group's asking tokens -> [tokens, width]."""

    def by_class(x: Tensor) -> Tensor:
        """[T, heads, d] -> [classes, heads, length, d]."""
        return x[group.rows].unflatten(0, (-1, group.length)).transpose(1, 2)

    def behind(prefix: Tensor, x: Tensor) -> Tensor:
        """The prefix's [P, heads, d] in front of each class's own."""
        x = by_class(x)
        return torch.cat([prefix.transpose(0, 1).expand(len(x), -1, -1, -1), x], 2)

    k, v = behind(shared.k, own.k), behind(shared.v, own.v)
    q, mask = by_class(own.q)[:, :, asking], group.mask[asking]
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return mixed.transpose(1, 2).flatten(0, 1).flatten(1)


def attend_causally(x: Heads) -> Tensor:
    """Attention within each of B prefixes -> [B, P, width]."""
    q, k, v = (t.transpose(1, 2) for t in x)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


def finish(block: Any, x: Tensor, mixed: Tensor) -> Tensor:
    """The rest of a block behind its attention: output projection, residual, feed-forward."""
    x = x + block.ls_1(through(block.attn.out_proj, mixed))
    return x + block.ls_2(through(block.mlp, block.ln_2(x)))
