"""The context's effect on the first matrix of a feed-forward block is a rank-one update of it."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Claim, Mutant


def away_from_zero(own_value):
    """The zero-shot state a, which is the own value, is not zero."""
    return {"own_value": jnp.where(own_value < 0, own_value - 1, own_value + 1)}


def states(query, keys, values, own_key, own_value):
    """What the block reads for the query: with the demonstrations, and without them."""
    few_shot_keys = jnp.concatenate([keys, own_key[None]])
    few_shot_values = jnp.concatenate([values, own_value[None]])
    few_shot = softmax_attention(query[None], few_shot_keys, few_shot_values)[0]
    zero_shot = softmax_attention(query[None], own_key[None], own_value[None])[0]
    return few_shot, zero_shot


def block(first, bias, second, state):
    return second @ jax.nn.gelu(first @ state + bias, approximate=False)


def with_demonstrations(query, keys, values, own_key, own_value, first, bias, second):
    few_shot, _ = states(query, keys, values, own_key, own_value)
    return block(first, bias, second, few_shot)


def with_updated_weights(query, keys, values, own_key, own_value, first, bias, second):
    few_shot, zero_shot = states(query, keys, values, own_key, own_value)
    update = jnp.outer(first @ (few_shot - zero_shot), zero_shot) / jnp.vdot(zero_shot, zero_shot)
    return block(first + update, bias, second, zero_shot)


def divided_by_the_norm(query, keys, values, own_key, own_value, first, bias, second):
    few_shot, zero_shot = states(query, keys, values, own_key, own_value)
    update = jnp.outer(first @ (few_shot - zero_shot), zero_shot) / jnp.sqrt(jnp.vdot(zero_shot, zero_shot))
    return block(first + update, bias, second, zero_shot)


def outer_with_the_few_shot_state(query, keys, values, own_key, own_value, first, bias, second):
    few_shot, zero_shot = states(query, keys, values, own_key, own_value)
    update = jnp.outer(first @ (few_shot - zero_shot), few_shot) / jnp.vdot(few_shot, few_shot)
    return block(first + update, bias, second, zero_shot)


def no_update(query, own_key, own_value, first, bias, second):
    zero_shot = softmax_attention(query[None], own_key[None], own_value[None])[0]
    return block(first, bias, second, zero_shot)


claim = Claim(
    slug="rank-one-feed-forward-update",
    title="Demonstrations act on a feed-forward block like a rank-one update of its first matrix",
    group="A",
    statement=r"""
Let $a$ be the attention output at the query without the demonstrations, $a + \Delta A$ with them, and let the block be
$F_W(z) = g(Wz + b)$ with any $g$. Then
$$F_W(a+\Delta A) = F_{W+\Delta W}(a),\qquad \Delta W = \frac{(W\,\Delta A)\,a^\top}{\|a\|^2}.$$
""",
    assumptions=("$a \\ne 0$", "any function $g$ after the first matrix; GELU and a second matrix here"),
    proof=r"""
$(W+\Delta W)\,a = Wa + W\,\Delta A\,\frac{a^\top a}{\|a\|^2} = W(a+\Delta A)$, so $g$ sees the same argument. $\square$

The update depends on the query through $a$, and it is one of many: any $\Delta W$ with $\Delta W\,a = W\Delta A$ serves;
this one has the smallest Frobenius norm.
""",
    source="Dherin et al. 2025, arXiv 2507.16003, theorem 2.2; the remark on the smallest norm is ours",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n m",
        "own_key": "d",
        "own_value": "m",
        "first": "f m",
        "bias": "f",
        "second": "m f",
    },
    dimensions={"n": (1, 5), "d": (1, 3), "m": (1, 4), "f": (1, 4)},
    shapes=({"n": 4, "d": 3, "m": 3, "f": 4}, {"n": 1, "d": 2, "m": 4, "f": 2}),
    given=away_from_zero,
    left=with_demonstrations,
    right=with_updated_weights,
    mutants=(
        Mutant("divided by |a|, not |a|^2", divided_by_the_norm),
        Mutant("outer product with the few-shot state", outer_with_the_few_shot_state),
        Mutant("no update", no_update),
    ),
)
