"""Heads are independent duals, read out together through W_O."""

from lrgd_jax.attention import HeadWeights, MultiHeadAttention, SoftmaxAttention
from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import FunctionalDual, KernelExpansion, projective_targets
from proofs_checks._weights import HEADS, smaller_heads


def attention(tokens, query_weights, key_weights, value_weights, output_weights, output_bias):
    weights = HeadWeights(query_weights, key_weights, value_weights, output_weights, output_bias=output_bias)
    return MultiHeadAttention(weights, SoftmaxAttention())(tokens[-1:], tokens)[0]


def dual_output(tokens, query, key, value, n):
    """One head's dual: f_0 from the last token, the query's own; one step on the demonstrations before it."""
    point, inputs = tokens[-1] @ query, tokens @ key
    targets = projective_targets(tokens @ value)
    model = FunctionalDual(KernelExpansion(inputs[n - 1 :], targets[n - 1 :]), inputs[: n - 1], targets[: n - 1])
    return model.predict(model.train(), point[None])[0]


def duals(tokens, query_weights, key_weights, value_weights, output_weights, output_bias, n, g):
    outputs = [dual_output(tokens, query_weights[j], key_weights[j], value_weights[j], n) for j in range(g)]
    return sum(o @ output_weights[j] for j, o in enumerate(outputs)) + output_bias


def one_dual_for_all(tokens, query_weights, key_weights, value_weights, output_weights, output_bias, n, g):
    keys, values = (x[:1].repeat(g, axis=0) for x in (key_weights, value_weights))
    return duals(tokens, query_weights, keys, values, output_weights, output_bias, n, g)


claim = Claim(
    slug="multi-head",
    title="Heads are independent duals, read out through W_O",
    group="A",
    statement=r"""
For heads $j = 1..h$ with projections $W_Q^j, W_K^j, W_V^j$ and readouts $W_O^j$,
$$\mathrm{MultiHead}(q) = \sum_{j=1}^h W_O^{j\top} f_1^{j}(W_Q^{j\top} h_q) + b_O,$$
where $f_1^j$ is the dual of head $j$ alone, trained on $(W_K^{j\top}h_i, W_V^{j\top}h_i)_{i\in D}$ from its own $f_0^j$.
""",
    assumptions=("any form of attention in the heads; softmax here",),
    proof=r"""
Head $j$ attends with its own queries, keys and values; by `softmax-attention` its output is $f_1^j$ at its test point. The
output projection of the concatenated heads is the sum of the heads' own projections. $\square$
""",
    source="Vaswani et al. 2017, arXiv 1706.03762, section 3.2.2",
    arguments={"tokens": "n m", **HEADS, "output_bias": "m"},
    dimensions={"n": (1, 5), "m": (1, 4), "g": (1, 3), "share": (1, 1), "d": (1, 3), "dv": (1, 3)},
    shapes=(
        {"n": 5, "m": 4, "g": 2, "share": 1, "d": 3, "dv": 2},
        {"n": 2, "m": 3, "g": 3, "share": 1, "d": 1, "dv": 3},
        {"n": 3, "m": 2, "g": 1, "share": 1, "d": 2, "dv": 1},
    ),
    given=smaller_heads,
    left=attention,
    right=duals,
    mutants=(
        Mutant("all heads share the dual of the first", one_dual_for_all),
        Mutant("readouts of the heads exchanged", alter(duals, output_weights=lambda weights: weights[::-1])),
        Mutant("the bias is added once a head", alter(duals, output_bias=lambda bias, g: g * bias)),
    ),
)
