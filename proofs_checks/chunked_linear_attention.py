"""The chunked form is minibatch descent between chunks plus exact terms within them."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import chunked_linear_attention, linear_attention, recurrent_linear_attention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel
from lrgd_jax.features import elu_plus_one
from lrgd_jax.positions import visible

FORMS = ("minibatch dual", "recurrent", "quadratic")


def chunked(queries, keys, values, chunk, phi):
    outputs = chunked_linear_attention(queries, keys, values, feature_map=phi, chunk=chunk)
    return dict.fromkeys(FORMS, outputs)


def minibatch_dual(queries, keys, values, n, chunk, phi, *, own_chunk_trained=False, within=True, shortened=0):
    """One minibatch step a chunk; a chunk's queries are predicted by the weights before it."""
    model = DualModel.untrained(keys, values, feature_map=phi, learning_rate=0.3)
    weights, outputs = model.initial_weights, []
    for start in range(0, n, chunk):
        here = slice(start, min(start + chunk, n))
        after = model.train(weights, batches=[range(n)[here][: chunk - shortened]])
        prediction = model.predict(after if own_chunk_trained else weights, queries[here])
        if within:
            scores = jax.vmap(phi)(queries[here]) @ jax.vmap(phi)(keys[here]).T
            prediction = prediction + jnp.tril(scores) @ values[here]
        outputs.append(prediction)
        weights = after
    return jnp.concatenate(outputs)


def other_forms(queries, keys, values, n, chunk, phi):
    recurrent, _ = recurrent_linear_attention(queries, keys, values, feature_map=phi)
    mask = visible(n, n, causal=True)
    quadratic = linear_attention(queries, keys, values, feature_map=phi, mask=mask)
    dual = minibatch_dual(queries, keys, values, n, chunk, phi)
    return dict(zip(FORMS, (dual, recurrent, quadratic), strict=True))


def no_terms_within(queries, keys, values, n, chunk, phi):
    return dict.fromkeys(FORMS, minibatch_dual(queries, keys, values, n, chunk, phi, within=False))


def own_chunk_counted_twice(queries, keys, values, n, chunk, phi):
    return dict.fromkeys(FORMS, minibatch_dual(queries, keys, values, n, chunk, phi, own_chunk_trained=True))


def last_row_of_a_chunk_dropped(queries, keys, values, n, chunk, phi):
    return dict.fromkeys(FORMS, minibatch_dual(queries, keys, values, n, chunk, phi, shortened=1))


claim = Claim(
    slug="chunked-linear-attention",
    title="Chunked linear attention is minibatch descent between chunks",
    group="A",
    statement=r"""
Let chunks $B_1, B_2, \dots$ of $c$ tokens follow one another, and $t\in B_j$. Then
$$\sum_{i\le t} v_i\,\phi(k_i)^\top\phi(q_t) = f_{W_{j-1}}(q_t) + \sum_{i\in B_j,\, i\le t} v_i\,\phi(k_i)^\top\phi(q_t),
\qquad W_j = W_{j-1} - \eta\nabla L_{B_j}(W_{j-1}),\quad W_0 = 0,$$
and the chunk-parallel, the recurrent and the quadratic form return the same outputs.
""",
    assumptions=("$c \\ge 1$; the last chunk may be shorter",),
    proof=r"""
By `order-and-batching` $W_{j-1} = \sum_{i\in B_1\cup\dots\cup B_{j-1}} v_i\phi(k_i)^\top$. The tokens $i\le t$ are
those of earlier chunks and those of $B_j$ up to $t$; split the sum. The recurrent form is $c = 1$ with the inner
sum folded into the state, the quadratic form one chunk. $\square$
""",
    source="Hua et al. 2022, arXiv 2202.10447, section 3.2; Yang et al. 2024, arXiv 2312.06635, section 2.2",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv"},
    dimensions={"n": (1, 7), "d": (1, 3), "dv": (1, 3), "chunk": (1, 4)},
    free={"phi": elu_plus_one},
    shapes=({"n": 7, "d": 3, "dv": 2, "chunk": 3}, {"n": 4, "d": 5, "dv": 1, "chunk": 2}),
    left=chunked,
    right=other_forms,
    mutants=(
        Mutant("the terms within the chunk are missing", no_terms_within),
        Mutant("the chunk's own step is taken before it predicts", own_chunk_counted_twice),
        Mutant("the last row of each chunk is dropped from the step", last_row_of_a_chunk_dropped),
    ),
)
