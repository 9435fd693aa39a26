"""A shift of the logits rescales the dual and leaves the ratio; so online softmax is online descent."""

import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention, streaming_softmax_attention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import FunctionalDual, projective_readout, projective_targets
from lrgd_jax.kernels import ExponentialKernel


def attention(query, keys, values, block):
    return {
        "shifted": softmax_attention(query[None], keys, values)[0],
        "streaming": streaming_softmax_attention(query[None], keys, values, block=block)[0],
    }


def step_output(query, keys, values, shift):
    """The raw output (a; b) of one step from f = 0 in the space of exp(logit - shift)."""
    model = FunctionalDual.untrained(keys, projective_targets(values), kernel=ExponentialKernel(None, shift))
    return model.train()(query[None])[0]


def online(query, keys, values, n, block, rescale):
    """One minibatch step a block, in the space whose shift is the running maximum, rescaled as it grows."""
    exponents = jnp.stack([ExponentialKernel().exponent(key, query) for key in keys])
    largest, output = exponents[0], jnp.zeros((values.shape[1] + 1,), values.dtype)
    for start in range(0, n, block):
        here = slice(start, start + block)
        new_largest = jnp.maximum(largest, jnp.max(exponents[here]))
        kept = rescale(largest, new_largest)
        output = kept * output + step_output(query, keys[here], values[here], new_largest)
        largest = new_largest
    return projective_readout(output)


def duals(query, keys, values, shift, n, block):
    return {
        "shifted": projective_readout(step_output(query, keys, values, shift)),
        "streaming": online(query, keys, values, n, block, lambda old, new: jnp.exp(old - new)),
    }


def no_rescale(query, keys, values, shift, n, block):
    correct = duals(query, keys, values, shift, n, block)
    return {**correct, "streaming": online(query, keys, values, n, block, lambda old, new: jnp.ones_like(old))}


def rescale_inverted(query, keys, values, shift, n, block):
    correct = duals(query, keys, values, shift, n, block)
    return {**correct, "streaming": online(query, keys, values, n, block, lambda old, new: jnp.exp(new - old))}


def numerator_only(query, keys, values, shift, n, block):
    correct = duals(query, keys, values, shift, n, block)
    numerator = step_output(query, keys, values, shift)[:-1]
    return {**correct, "shifted": numerator / step_output(query, keys, values, jnp.zeros_like(shift))[-1]}


claim = Claim(
    slug="softmax-stability",
    title="A shift of the logits rescales the dual and leaves the prediction",
    group="A",
    statement=r"""
For every shift $c$, the functional dual of $\kappa_c(x,y) = e^{x^\top y/\sqrt d - c}$ has $f^{(c)} = e^{-c}f^{(0)}$, so the
ratio $a/b$ is unchanged. With running maxima $m_j$ of the logits, online steps
$$F_j = e^{m_{j-1}-m_j}F_{j-1} + \big(\text{step on block } j \text{ in the space of } \kappa_{m_j}\big)(q)$$
give the ratio of the whole: the streaming form of softmax is online functional descent with a rescale.
""",
    assumptions=("at least one key",),
    proof=r"""
$\kappa_c = e^{-c}\kappa_0$, and the coefficients of the step do not depend on the kernel (`softmax-attention`), so
$f^{(c)} = e^{-c}f^{(0)}$ and $(e^{-c}a)/(e^{-c}b) = a/b$. For the stream, assume
$F_{j-1} = e^{-m_{j-1}}\sum_{i\le j-1\text{ blocks}}[v_i;1]\kappa_0(k_i,q)$. Multiplying by $e^{m_{j-1}-m_j}$ changes its shift
to $m_j$, the one of the new step; add. The last $F$ is $e^{-m}f^{(0)}(q)$. $\square$
""",
    source="Milakov & Gimelshein 2018, arXiv 1805.02867; the reading as descent is ours",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "shift": ""},
    dimensions={"n": (1, 6), "d": (1, 4), "dv": (1, 3), "block": (1, 3)},
    shapes=({"n": 6, "d": 3, "dv": 2, "block": 2}, {"n": 3, "d": 4, "dv": 1, "block": 2}),
    left=attention,
    right=duals,
    mutants=(
        Mutant("no rescale when the maximum grows", no_rescale),
        Mutant("the rescale is inverted", rescale_inverted),
        Mutant("only the numerator is shifted", numerator_only),
    ),
)
