"""Heads of one group share one dual and differ in the test point only."""

import jax.numpy as jnp

from lrgd_jax.attention import HeadWeights, MultiHeadAttention, SoftmaxAttention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import FunctionalDual, KernelExpansion, projective_targets
from proofs_checks._weights import HEADS, smaller_heads


def attention(tokens, query_weights, key_weights, value_weights, output_weights):
    weights = HeadWeights(query_weights, key_weights, value_weights, output_weights)
    return MultiHeadAttention(weights, SoftmaxAttention())(tokens[-1:], tokens)[0]


def one_dual_a_group(tokens, key_weights, value_weights, n):
    """For every group one model, trained once: f_0 from the last token, a step on those before it."""
    models = []
    for key, value in zip(key_weights, value_weights, strict=True):
        inputs, targets = tokens @ key, projective_targets(tokens @ value)
        model = FunctionalDual(KernelExpansion(inputs[n - 1 :], targets[n - 1 :]), inputs[: n - 1], targets[: n - 1])
        models.append((model, model.train()))
    return models


def read_out(tokens, query_weights, models, output_weights, group_of):
    output = jnp.zeros((output_weights.shape[2],), tokens.dtype)
    for head, query in enumerate(query_weights):
        model, trained = models[group_of(head)]
        output = output + model.predict(trained, (tokens[-1] @ query)[None])[0] @ output_weights[head]
    return output


def duals(tokens, query_weights, key_weights, value_weights, output_weights, n, share):
    models = one_dual_a_group(tokens, key_weights, value_weights, n)
    return read_out(tokens, query_weights, models, output_weights, lambda head: head // share)


def groups_interleaved(tokens, query_weights, key_weights, value_weights, output_weights, n, g):
    models = one_dual_a_group(tokens, key_weights, value_weights, n)
    return read_out(tokens, query_weights, models, output_weights, lambda head: head % g)


def one_group_for_all(tokens, query_weights, key_weights, value_weights, output_weights, n):
    models = one_dual_a_group(tokens, key_weights, value_weights, n)
    return read_out(tokens, query_weights, models, output_weights, lambda head: 0)


def one_test_point_a_group(tokens, query_weights, key_weights, value_weights, output_weights, n, share):
    models = one_dual_a_group(tokens, key_weights, value_weights, n)
    first = query_weights[::share].repeat(share, axis=0)
    return read_out(tokens, first, models, output_weights, lambda head: head // share)


claim = Claim(
    slug="grouped-query",
    title="Heads of one group share one dual and differ in the test point only",
    group="A",
    statement=r"""
With $h = g s$ query heads over $g$ key-value heads, the layer has $g$ duals $f^1..f^g$, each trained once, and
$$\mathrm{GroupedQuery}(q) = \sum_{j=0}^{h-1} W_O^{j\top} f_1^{\lfloor j/s\rfloor}(W_Q^{j\top}h_q).$$
""",
    assumptions=("$h$ is a multiple of $g$", "heads of one group stand side by side"),
    proof=r"""
A dual is made of keys and values alone; the query is its test point. Heads of one group have the same keys and values,
hence the same training set, $f_0$ and step. The rest is `multi-head`. $\square$
""",
    source="Ainslie et al. 2023, arXiv 2305.13245, section 2.2; multi-query: Shazeer 2019, arXiv 1911.02150",
    arguments={
        "tokens": "n m",
        **HEADS,
    },
    dimensions={"n": (1, 5), "m": (1, 4), "g": (1, 2), "share": (2, 3), "d": (1, 3), "dv": (1, 3)},
    shapes=(
        {"n": 5, "m": 4, "g": 2, "share": 2, "d": 3, "dv": 2},
        {"n": 3, "m": 3, "g": 2, "share": 3, "d": 2, "dv": 1},
        {"n": 2, "m": 2, "g": 2, "share": 2, "d": 2, "dv": 1},
    ),
    given=smaller_heads,
    left=attention,
    right=duals,
    mutants=(
        Mutant("groups interleaved (head mod g)", groups_interleaved),
        Mutant("all heads read the first group", one_group_for_all),
        Mutant("one test point a group", one_test_point_a_group),
    ),
)
