"""The gradient at a demonstration's embedding is another influence than that in its rate, with its key's part on top."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import linear_attention, softmax_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def first_order(query, embeddings, to_keys, to_values, own_key, own_value):
    """The change of the output, to first order, if a demonstration's embedding grows in proportion to itself."""

    def linear(demonstration):
        states = embeddings.at[0].set(demonstration)
        return linear_attention(query[None], states @ to_keys.T, states @ to_values.T)[0]

    def softmax(demonstration):
        states = embeddings.at[0].set(demonstration)
        keys = jnp.concatenate([states @ to_keys.T, own_key[None]])
        values = jnp.concatenate([states @ to_values.T, own_value[None]])
        return softmax_attention(query[None], keys, values, scale=1.0)[0]

    first = embeddings[0]
    return {"linear": jax.jvp(linear, (first,), (first,))[1], "softmax": jax.jvp(softmax, (first,), (first,))[1]}


def by_rates(query, embeddings, to_keys, to_values, own_key, own_value, through_key=1, through_value=1):
    """The gradient in the rate, and what the embedding's gradient holds beside it."""
    keys, values = embeddings @ to_keys.T, embeddings @ to_values.T
    logits = jnp.concatenate([keys, own_key[None]]) @ query
    weights = jnp.exp(logits) / jnp.sum(jnp.exp(logits))
    output = weights @ jnp.concatenate([values, own_value[None]])
    in_the_rate = weights[0] * (values[0] - output)
    return {
        "linear": (through_key + through_value) * logits[0] * values[0],
        "softmax": through_value * weights[0] * values[0] + through_key * logits[0] * in_the_rate,
    }


def rates_alone(query, embeddings, to_keys, to_values, own_key, own_value):
    keys, values = embeddings @ to_keys.T, embeddings @ to_values.T
    logits = jnp.concatenate([keys, own_key[None]]) @ query
    weights = jnp.exp(logits) / jnp.sum(jnp.exp(logits))
    output = weights @ jnp.concatenate([values, own_value[None]])
    return {"linear": logits[0] * values[0], "softmax": weights[0] * (values[0] - output)}


claim = Claim(
    slug="embedding-gradient",
    title="The gradient at a demonstration's embedding is not that in its rate",
    group="D",
    statement=r"""
Let demonstration $i$ have the embedding $e$, $k_i = W_Ke$, $v_i = W_Ve$, the logit $\ell_i = q^\top k_i$ and, in softmax attention with the output $o$, the weight $a_i$. The derivative of the output along $e$ at $e$, the first-order estimate of its removal with the sign turned, is
$$\text{linear: } 2\,\ell_iv_i,\qquad \text{softmax: } a_iv_i + \ell_i\,a_i\,(v_i-o),$$
while the derivative in its rate is $\ell_iv_i$ and $a_i(v_i-o)$. For linear attention the removal changes the output by exactly $\ell_iv_i$: the rate has it right, the embedding twice.
""",
    assumptions=("one layer; deeper the same holds for what that layer reads",),
    proof=r"""
The contribution $\ell_iv_i$ is homogeneous of degree two in $e$ (Euler). For softmax, along $v_i$ the output changes by $a_iv_i$, and along $\ell_i$ by $a_i(v_i-o)$ times the change $\ell_i$ of the logit. The rate multiplies $\ell_iv_i$, or $e^{\ell_i}$ in numerator and denominator (`rate-gradient`). $\square$

The embedding at zero is a token with the logit zero and the value zero, which still takes its share of the normaliser (`attention-sink`): not a token that is absent, as rate zero is.
""",
    source="estimates from gradients at input embeddings: Zhang et al. 2025, arXiv 2508.19999; the comparison is derived here",
    arguments={
        "query": "d",
        "embeddings": "n m",
        "to_keys": "d m",
        "to_values": "dv m",
        "own_key": "d",
        "own_value": "dv",
    },
    dimensions={"n": (1, 3), "m": (1, 2), "d": (1, 2), "dv": (1, 2)},
    shapes=({"n": 2, "m": 2, "d": 2, "dv": 1}, {"n": 1, "m": 2, "d": 1, "dv": 2}),
    left=first_order,
    right=by_rates,
    mutants=(
        Mutant(
            "the gradient in the rate",
            rates_alone,
            quoted=Misquotation(
                says="The gradient at a demonstration's input embedding estimates, to first order, what leaving the demonstration out would do.",
                source="commonly read into Zhang et al. 2025, arXiv 2508.19999, where embeddings of subsets are compared",
                rather="It estimates a move of the embedding, through key and value. Its rate's gradient estimates the removal; for linear attention that is exact, and the embedding's gives twice as much.",
            ),
        ),
        Mutant("the key does not depend on the embedding", alter(by_rates, through_key=0)),
        Mutant("the value does not depend on the embedding", alter(by_rates, through_value=0)),
    ),
)
