"""What the delta rule learns depends on the order of two tokens by exactly this much."""

import jax.numpy as jnp

from lrgd_jax.attention import recurrent_delta_rule
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def one_order_less_the_other(memory, keys, values, strengths):
    def trained(keys, values, strengths):
        return recurrent_delta_rule(keys, keys, values, strengths, state=memory)[1]

    return trained(keys, values, strengths) - trained(keys[::-1], values[::-1], strengths[::-1])


def commutator(memory, keys, values, strengths, sign=1):
    first, second = keys @ memory.T - values
    common = strengths[0] * strengths[1] * (keys[0] @ keys[1])
    return sign * common * (jnp.outer(first, keys[1]) - jnp.outer(second, keys[0]))


claim = Claim(
    slug="order-of-the-delta-rule",
    title="The order of two demonstrations matters to the delta rule as far as their keys overlap",
    group="B",
    statement=r"""
From a memory $S$ let $S_{12}$ be the delta rule's memory after $(k_1, v_1)$ and then $(k_2, v_2)$, with strengths $b_1$, $b_2$, and $S_{21}$ the one in the other order. With the errors $e_i = Sk_i - v_i$,
$$S_{12} - S_{21} = b_1b_2\,(k_1^\top k_2)\,\big(e_1k_2^\top - e_2k_1^\top\big) .$$
So the order does not matter where the keys are orthogonal, or the memory has stored both pairs already.
""",
    assumptions=("none",),
    proof=r"""
One token maps $S$ to $SA_i + b_iv_ik_i^\top$, $A_i = I - b_ik_ik_i^\top$. So
$S_{12} - S_{21} = S(A_1A_2 - A_2A_1) + b_1v_1k_1^\top(A_2 - I) - b_2v_2k_2^\top(A_1 - I)$. Here $A_1A_2 - A_2A_1 = b_1b_2(k_1^\top k_2)(k_1k_2^\top - k_2k_1^\top)$,
$b_1v_1k_1^\top(A_2-I) = -b_1b_2(k_1^\top k_2)v_1k_2^\top$, and $b_2v_2k_2^\top(A_1-I) = -b_1b_2(k_1^\top k_2)v_2k_1^\top$. Collect. $\square$

For the alignment loss there is no such term (`order-and-batching`).
""",
    source="elementary; the rule is Schlag et al. 2021, arXiv 2102.11174, section 4.2",
    arguments={"memory": "dv d", "keys": "2 d", "values": "2 dv", "strengths": "2"},
    dimensions={"d": (1, 3), "dv": (1, 2)},
    shapes=({"d": 3, "dv": 2}, {"d": 2, "dv": 1}, {"d": 1, "dv": 1}),
    left=one_order_less_the_other,
    right=commutator,
    mutants=(
        Mutant(
            "the order does not matter",
            alter(commutator, sign=0),
            quoted=Misquotation(
                says="In-context learning by gradient descent treats the demonstrations as a set, so their order does not matter.",
                source="commonly read into Dai et al. 2023, arXiv 2212.10559, and argued about in Shen et al. 2024, arXiv 2310.08540",
                rather="True of the alignment loss, whose gradient does not depend on the weights (linear attention). Online steps on the squared error differ by "
                "b1 b2 (k1 . k2)(e1 k2' - e2 k1').",
            ),
        ),
        Mutant("the memory is taken for empty", alter(commutator, memory=lambda memory: 0 * memory)),
        Mutant("the sign", alter(commutator, sign=-1)),
    ),
)
