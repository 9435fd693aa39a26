r"""The losses of all $2^N$ subsets of the demonstrations; those of a prompt in one pass over a tree of prefixes.

What a demonstration becomes in the decoder depends on those before it, not on those after: the first has one version,
the second two, the i-th $2^{i-1}$, and the query $2^N$. All versions stand side by side in one sequence, each at the
positions of the prompt, and a mask lets each see its own prefix. This reads
$\sum_i 2^{i-1} n_i + 2^N n_q$ tokens, where one forward pass a subset would read $2^N n$.
"""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.decoder.attention import Heads, attend
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.forward import embed, norm_states, read_logits, run_layers
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.effect.contrast import ContrastLoss
from lrgd_jax.effect.cost import mean_cost, multiplications
from lrgd_jax.effect.evaluation import losses_at
from lrgd_jax.effect.losses import GatedLoss
from lrgd_jax.effect.prompt_loss import PromptLoss

__all__ = ["BLOCK", "LONGEST", "SubsetLosses", "subset_losses", "tree_cost", "tree_losses"]

BLOCK = 256
"""The sequence of all versions is padded to a multiple of so many tokens, so that prompts share compilations."""
LONGEST = 4096
"""Most tokens that are read at once: attention's memory grows with their square."""


class SubsetLosses(NamedTuple):
    """Losses of all subsets, and what they cost.

    Attributes:
        losses: demonstration i is in subset number s where bit i of s is set; shape [2^N].
        cost: in forward passes of the prompt.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, subset_losses
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> losses, cost = subset_losses(loss)
        >>> losses.tolist(), cost
        ([4.0, 3.0, 2.0, 1.0], 4.0)
    """

    losses: Float[np.ndarray, " subsets"]
    cost: float


class Tree(NamedTuple):
    """All versions of all pieces, one after the other.

    Attributes:
        tokens: of the decoder.
        positions: in the prompt.
        piece: -1 for what is always seen, then the demonstrations, N for the query, more for padding.
        seen: the subset of earlier demonstrations that the version sees, as bits.
    """

    tokens: Int[np.ndarray, " t"]
    positions: Int[np.ndarray, " t"]
    piece: Int[np.ndarray, " t"]
    seen: Int[np.ndarray, " t"]


def subset_losses(loss: GatedLoss, *, batch: int = 1) -> SubsetLosses:
    """The loss of every subset: by `tree_losses` where that is possible and costs less, else one by one.

    Args:
        loss: of rates or gates, at zero or one each.
        batch: how many losses are computed together, where they are computed one by one.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, subset_losses
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> losses, cost = subset_losses(loss)
        >>> losses.shape, cost < 4
        ((4,), True)
    """
    n = loss.demonstrations
    if isinstance(loss, ContrastLoss):
        target, against = (subset_losses(answer, batch=batch) for answer in (loss.target, loss.against))
        one, other = loss.lengths
        return SubsetLosses(one * target.losses - other * against.losses, mean_cost(loss, target.cost, against.cost))
    if isinstance(loss, PromptLoss) and loss.control == "rates" and (tree_cost(loss) or 1 << n) < 1 << n:
        return tree_losses(loss)
    subsets = (np.arange(1 << n)[:, None] >> np.arange(n)[None, :]) & 1
    return SubsetLosses(losses_at(loss, subsets, batch=batch), float(1 << n))


def tree_losses(loss: PromptLoss) -> SubsetLosses:
    r"""The loss at all rates in $\{0, 1\}^N$, each of which is the prompt without some demonstrations.

    Args:
        loss: of a prompt's rates; memory grows with the square of the number of tokens read.

    Raises:
        ValueError: the loss is one of contribution gates, whose zeros are no removal.
    """
    if loss.control != "rates":
        raise ValueError("tree_losses removes demonstrations: give a PromptLoss of rates, not of contributions")
    tree, predicting = _tree(loss)
    padding = -len(tree.tokens) % BLOCK
    filled = Tree(
        np.pad(tree.tokens, (0, padding)),
        np.pad(tree.positions, (0, padding)),
        # padding sees itself alone
        np.concatenate([tree.piece, loss.demonstrations + 1 + np.arange(padding)]),
        np.pad(tree.seen, (0, padding)),
    )
    losses: Float[Array, " subsets"] = _losses(
        loss.config, loss.params, filled, predicting, loss.tokens[loss.places], loss.shares
    )
    return SubsetLosses(np.asarray(losses, np.float64), _cost(loss, len(tree.tokens)))


def tree_cost(loss: PromptLoss) -> float | None:
    """Of `tree_losses`, in forward passes of the prompt; None where it would read more than `LONGEST` tokens."""
    counts = np.bincount(np.maximum(np.asarray(loss.segments)[: _end(loss)] - loss.always_seen, -1) + 1)
    read = int(counts[0] + counts[1:] @ 2.0 ** np.arange(loss.demonstrations + 1))
    return _cost(loss, read) if read <= LONGEST else None


def _cost(loss: PromptLoss, read: int) -> float:
    return sum(multiplications(loss, read)) / sum(multiplications(loss, _end(loss)))


def _end(loss: PromptLoss) -> int:
    """Where the target ends, and with it what is read."""
    return int(np.max(np.asarray(loss.places))) + 1


def _tree(loss: PromptLoss) -> tuple[Tree, Int[np.ndarray, "subsets a"]]:
    """The versions, and where in their sequence the target of each subset is predicted."""
    n, places = loss.demonstrations, np.asarray(loss.places)
    tokens = np.asarray(loss.tokens)[: _end(loss)]
    piece = np.maximum(np.asarray(loss.segments)[: len(tokens)] - loss.always_seen, -1)
    versions = [(i, s) for i in range(-1, n + 1) for s in range(1 << max(i, 0))]
    members = [np.flatnonzero(piece == i) for i, _ in versions]
    counts = [len(at) for at in members]
    where = np.concatenate(members)
    tree = Tree(tokens[where], where, *(np.repeat([v[k] for v in versions], counts) for k in (0, 1)))
    # how far each version has moved from its place in the prompt
    shift = {
        v: start - at[0] for v, start, at in zip(versions, np.cumsum([0, *counts]), members, strict=False) if len(at)
    }
    predicting = [
        [t + shift[int(piece[t]), s & ((1 << max(int(piece[t]), 0)) - 1)] for t in places - 1] for s in range(1 << n)
    ]
    return tree, np.array(predicting)


def _visible(positions: Int[Array, " t"], piece: Int[Array, " t"], seen: Int[Array, " t"]) -> Bool[Array, "t t"]:
    """A version sees itself up to each token, what is always seen, and those versions of which it goes on."""
    bit = jnp.clip(piece, 0, 30)[None, :]
    chosen = (seen[:, None] >> bit) & 1 == 1
    goes_on = (piece[None, :] < piece[:, None]) & chosen & (seen[:, None] & ((1 << bit) - 1) == seen[None, :])
    own = (piece[None, :] == piece[:, None]) & (seen[None, :] == seen[:, None])
    return (positions[None, :] <= positions[:, None]) & (own | goes_on | (piece == -1)[None, :])


@partial(jax.jit, static_argnums=0)
def _losses(
    config: DecoderConfig,
    params: DecoderParams,
    tree: Tree,
    predicting: Int[Array, "subsets a"],
    targets: Int[Array, " a"],
    shares: Float[Array, " a"],
) -> Float[Array, " subsets"]:
    tokens, positions, piece, seen = (jnp.asarray(x, jnp.int32) for x in tree)
    mask = _visible(positions, piece, seen)
    ages = positions[:, None] - positions[None, :]

    def attention(_: int, own: DecoderConfig, heads: Heads) -> tuple[Float[Array, "h t dv"], None]:
        return attend(own, *heads, mask if own.window is None else mask & (ages < own.window)), None

    stream = run_layers(attention, params, config, embed(params, tokens, positions), positions)
    states = norm_states(params, config, stream.last[predicting.reshape(-1)])
    logits = read_logits(params, config, states).reshape(*predicting.shape, -1)
    likelihoods = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[None, :, None], axis=2)[:, :, 0]
    return -(likelihoods @ shares)
