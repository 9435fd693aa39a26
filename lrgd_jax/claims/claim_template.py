"""Attention without features is what a linear model predicts after one gradient step; write here what you claim."""

from lrgd_jax.attention import linear_attention
from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel


def attention(query, keys, values):
    """The left side; its parameters are named after arguments and dimensions of the claim."""
    return linear_attention(query[None], keys, values)[0]


def after_one_step(query, keys, values, learning_rate=0.25):
    """The right side, written without the left one."""
    model = DualModel.untrained(keys, values, learning_rate=learning_rate)
    return model.predict(model.train(), query[None])[0]


def first_demonstration_twice(query, keys, values):
    """A mutant that is more than a changed argument is a function of its own."""
    return after_one_step(query, keys, values) + (keys[0] @ query) * values[0]


claim = Claim(
    slug="my-claim",
    title="Attention is one gradient step",
    group="user",
    statement=r"""
For demonstrations $(k_i, v_i)$, a query $q$ and any rate $\eta > 0$,
$$\sum_i v_i\,k_i^\top q = W_1q,\qquad W_1 = -\eta\nabla L(0),\qquad L(W) = -\frac1\eta\sum_i v_i^\top Wk_i.$$
""",
    assumptions=("$\\eta > 0$",),
    proof=r"""
$v_i^\top Wk_i = \langle W, v_ik_i^\top\rangle_F$, so $\nabla L = -\frac1\eta\sum_i v_ik_i^\top$ at every $W$. $\square$
""",
    source="paper and equation",
    arguments={"query": "d", "keys": "n d", "values": "n dv"},
    dimensions={"n": (1, 5), "d": (1, 4), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 1, "d": 2, "dv": 1}),
    left=attention,
    right=after_one_step,
    mutants=(
        Mutant("the step goes uphill", alter(after_one_step, values=lambda values: -values)),
        Mutant("the first demonstration counts twice", first_demonstration_twice),
    ),
)
