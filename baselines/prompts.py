"""CLIP's text tower for learned prompts, without redundant computation.

The tower is causal: a token attends only to itself and to tokens before it. The prefix of the class names, [start, v₁ … v_M]
and any words that stay behind the context, is therefore equal for all classes in every layer; it is computed once for each
context, and its keys and values are shared. Names with a common beginning ("tiger dax", "tiger wug") share the states of
those tokens too: the tokens of all names form a tree (`baselines.prompt_tree`). Tokens after the end-of-text token are never
read and are dropped. In the last layer only the end-of-text tokens have queries. The queries, keys and values of the names in
the first layer do not depend on the context and are computed once for all training steps. The text features are exact, not
approximated.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.prompt_tree import Level, tree
from benchmark.methods.clip import Clip, Model
from benchmark.numerics.matmul import product, through


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

    The context is one for all images, or one for each image, whose tokens after it then depend on the image. It is not an
    nn.Module, so that CLIP's weights are not parameters of the predictor. A name that does not fit behind M context vectors
    and a tower that is not causal raise a ValueError.

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
        self.tree = tree(rows, tokens.device)
        self._embed(int(tokens[0, 0]), n_ctx)

    @property
    def floats(self) -> int:
        """Approximate peak of the numbers in memory during the forward pass of one context."""
        on_paths = sum(level.path.numel() for level in self.tree.levels)
        # Keys and values on the path; queries, keys, values; two tensors of the MLP, four times as wide; the states.
        return (2 * on_paths + (3 + 8 + 1) * len(self.names)) * self.names.shape[1]

    def __call__(self, context: Tensor, deep: Sequence[Tensor] = ()) -> Tensor:
        """Encode the prompts.

        Args:
            context: Context vectors [M, width], or those of B images [B, M, width].
            deep: Further context vectors [M, width], which replace the context at the input of the second, the third and
                further layers (MaPLe). Position embeddings are added before the first layer only.

        Returns:
            Text features, not normalised: [C, D], or [B, C, D].

        Raises:
            ValueError: There are at least as many deep prompts as layers.
        """
        if len(deep) >= len(self.blocks):
            raise ValueError(
                f"{len(deep)} deep prompts behind the first, but the text tower has {len(self.blocks)} layers"
            )
        contexts = context.reshape(-1, *context.shape[-2:])
        start, kept = (part.expand(len(contexts), -1, -1) for part in (self.start, self.kept))
        prefix, x = torch.cat([start, contexts + self.positions, kept], 1), self.names[None]
        for block, following in zip_longest(self.blocks[:-1], deep):
            own, shared = self._name_heads(block, x), heads(block, prefix)
            x = finish(block, x, _attend(own, shared, self.tree.levels))
            prefix = finish(block, prefix, attend_causally(shared))
            if following is not None:
                after = prefix[:, 1 + len(following) :]
                prefix = torch.cat([prefix[:, :1], following.expand(len(contexts), -1, -1), after], 1)
        block, ends = self.blocks[-1], torch.cat([level.path[:, -1] for level in self.tree.ends])
        mixed = _attend(self._name_heads(block, x), heads(block, prefix), self.tree.ends)
        features = project(self.model, finish(block, x[:, ends], mixed))[:, self.tree.classes]
        return features.reshape(*context.shape[:-2], *features.shape[1:])

    @torch.no_grad()
    def _embed(self, start: int, n_ctx: int) -> None:
        """Compute inputs independent of the context, and queries, keys and values of the names in the first layer."""
        embed, positions = self.model.token_embedding, self.model.positional_embedding.detach()
        self.start = embed(self.tree.tokens.new_tensor([start])) + positions[:1]
        self.positions = positions[1 : 1 + n_ctx]
        self.names = embed(self.tree.tokens) + positions[1 + n_ctx + len(self.kept) + self.tree.depth]
        self.first = heads(self.blocks[0], self.names[None])

    def _name_heads(self, block: Model, x: Tensor) -> Heads:
        """Queries, keys and values of the names; in the first layer they do not depend on the context and are precomputed."""
        return self.first if block is self.blocks[0] else heads(block, x)


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


def heads(block: Model, x: Tensor) -> Heads:
    """Queries, keys and values of tokens [..., T, width] in a transformer block."""
    attention = block.attn
    projected = product(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    return Heads(*projected.unflatten(-1, (3, attention.num_heads, -1)).unbind(-3))


def _attend(own: Heads, shared: Heads, levels: Sequence[Level]) -> Tensor:
    """Attention of nodes to the prefix and to the nodes on their path.

    The prefix is not copied for each node: one product has its scores for all nodes, and another its part of the output.

    Args:
        own: Heads of all nodes, [B or 1, T, heads, d] each.
        shared: Heads of the prefix, [B, P, heads, d] each.
        levels: Nodes with a query, N in all.

    Returns:
        Attention output of the nodes in the order of `levels`, [B, N, width].
    """
    q = [own.q[:, level.nodes] * own.q.shape[-1] ** -0.5 for level in levels]
    sizes = [len(level.path) for level in levels]
    in_front = torch.einsum("bahd,bphd->bahp", torch.cat(q, 1), shared.k).split(sizes, 1)
    front, behind = zip(*map(_weights, q, in_front, (_on_path(own.k, level) for level in levels)), strict=True)
    mixed = torch.einsum("bahp,bphd->bahd", torch.cat(front, 1), shared.v)
    on_path = [(w.mT[..., None] * _on_path(own.v, level)).sum(2) for w, level in zip(behind, levels, strict=True)]
    return (mixed + torch.cat(on_path, 1)).flatten(2)


def _on_path(x: Tensor, level: Level) -> Tensor:
    """Vectors [B, n, depth + 1, heads, d] of the nodes on the paths of a level, from those of all nodes [B, T, heads, d]."""
    return x.index_select(1, level.path.flatten()).unflatten(1, level.path.shape)


def _weights(q: Tensor, in_front: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Attention weights of the nodes of a level.

    Args:
        q: Scaled queries [B or 1, n, heads, d].
        in_front: Scores of the prefix [B, n, heads, P].
        k: Keys on the path [B or 1, n, depth + 1, heads, d].

    Returns:
        Weights of the prefix [B, n, heads, P] and of the path [B, n, heads, depth + 1], whose sum is 1.
    """
    on_path = (q[:, :, None] * k).sum(-1).mT
    weights = torch.cat([in_front, on_path.expand(len(in_front), -1, -1, -1)], -1).softmax(-1)
    front, behind = weights.split([in_front.shape[-1], on_path.shape[-1]], -1)
    return front, behind


def attend_causally(x: Heads) -> Tensor:
    """Causal self-attention within each of B prefixes, [B, P, width]."""
    q, k, v = (t.transpose(1, 2) for t in x)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


def finish(block: Model, x: Tensor, mixed: Tensor) -> Tensor:
    """Apply the part of a transformer block after its attention: output projection, residual, feed-forward."""
    x = x + block.ls_1(through(block.attn.out_proj, mixed))
    return x + block.ls_2(through(block.mlp, block.ln_2(x)))
