"""One layer of linear self-attention with constructed weights is one gradient step on least squares."""

import jax.numpy as jnp
import optax

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual.descent import step
from lrgd_jax.incontext import gradient_step, layer, prompt


def zero_target(initial, inputs, targets, query, rate, n, d, *, context=None, known=None):
    """The query carries target 0 and W_0 stands in the value matrix."""
    tokens = layer(
        gradient_step(initial if known is None else known, rate, n), prompt(inputs, targets, query), context=context
    )
    return {"query": initial @ query - tokens[-1, d:], "residuals": tokens[:n, d:] - inputs @ initial.T}


def residual_targets(initial, inputs, targets, query, rate, n, d):
    """The targets are residuals of W_0, which the layer then need not know."""
    tokens = prompt(inputs, targets - inputs @ initial.T, query, -(initial @ query))
    tokens = layer(gradient_step(jnp.zeros_like(initial), rate, n), tokens)
    return {"query": -tokens[-1, d:], "residuals": tokens[:n, d:]}


def constructed(initial, inputs, targets, query, rate, n, d):
    given = (initial, inputs, targets, query, rate, n, d)
    return {"query with target zero": zero_target(*given), "residual targets": residual_targets(*given)}


def query_is_a_key(initial, inputs, targets, query, rate, n, d):
    given = (initial, inputs, targets, query, rate, n, d)
    return {"query with target zero": zero_target(*given, context=n + 1), "residual targets": residual_targets(*given)}


def initial_weights_unknown(initial, inputs, targets, query, rate, n, d):
    given = (initial, inputs, targets, query, rate, n, d)
    unknown = zero_target(*given, known=jnp.zeros_like(initial))
    return {"query with target zero": unknown, "residual targets": residual_targets(*given)}


def mean_squares(weights, inputs, targets):
    return jnp.sum((inputs @ weights.T - targets) ** 2) / (2 * inputs.shape[0])


def total_squares(weights, inputs, targets):
    return jnp.sum((inputs @ weights.T - targets) ** 2) / 2


def descended(initial, inputs, targets, query, rate, loss=mean_squares, direction=1):
    optimiser = optax.sgd(direction * rate)
    trained, _ = step(loss, initial, optimiser, optimiser.init(initial), inputs, targets)
    after = {"query": trained @ query, "residuals": targets - inputs @ trained.T}
    return {"query with target zero": after, "residual targets": after}


claim = Claim(
    slug="least-squares-step",
    title="A layer of linear self-attention can be one gradient step on least squares",
    group="B",
    statement=r"""
Let $L(W) = \frac{1}{2N}\sum_{i=1}^N \|W x_i - y_i\|^2$ and $W_1 = W_0 - \eta\nabla L(W_0)$. On tokens
$e_j = [x_j; y_j]$, $j = 1..N$, and a query $e_q$ that nobody attends to, the layer
$e_j \leftarrow e_j + P\sum_{i\le N} W_V e_i\,\langle W_K e_i, W_Q e_j\rangle$ with
$$W_K = W_Q = \begin{pmatrix}I&0\\0&0\end{pmatrix},\qquad W_V = \begin{pmatrix}0&0\\W_0&-I\end{pmatrix},\qquad
P = \frac{\eta}{N} I$$
leaves every $x_j$ and turns $y_j$ into $y_j - (W_1 - W_0)x_j$. Hence

1. a query $[x_q; 0]$ ends as $[x_q;\, W_0 x_q - W_1 x_q]$;
2. on residual targets, $[x_j;\, y_j - W_0x_j]$ and $[x_q;\, -W_0x_q]$, the layer with $0$ in place of $W_0$ leaves the
   residuals of the next weights: $y_j - W_1x_j$, and $-W_1x_q$ for the query.
""",
    assumptions=(
        "$N \\ge 1$; any $\\eta$, $W_0$",
        "the query is no key: its value $W_0x_q - 0$ is not zero; only for $W_0 = 0$ may it attend to itself in this one "
        "layer",
    ),
    proof=r"""
$W_V e_i = [0;\, W_0x_i - y_i]$ and $\langle W_K e_i, W_Q e_j\rangle = x_i^\top x_j$, so the layer adds to $y_j$
$$\frac{\eta}{N}\sum_i (W_0x_i - y_i)\,x_i^\top x_j = \eta\,\nabla L(W_0)\,x_j = -(W_1 - W_0)\,x_j ,$$
since $\nabla L(W) = \frac1N\sum_i (Wx_i - y_i)x_i^\top$. This is (1) for $y_q = 0$. For (2), $L$ on residual targets at
$W = 0$ has the gradient $\frac1N\sum_i(0 - (y_i - W_0x_i))x_i^\top = \nabla L(W_0)$, so the same $W_1 - W_0$ is
subtracted: $y_j - W_0x_j - (W_1-W_0)x_j = y_j - W_1x_j$. $\square$
""",
    source="von Oswald et al. 2023, arXiv 2212.07677, proposition 1",
    arguments={"initial": "dv d", "inputs": "n d", "targets": "n dv", "query": "d", "rate": ""},
    dimensions={"n": (1, 5), "d": (1, 4), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 2, "d": 4, "dv": 1}, {"n": 1, "d": 1, "dv": 1}),
    left=constructed,
    right=descended,
    mutants=(
        Mutant("the step goes uphill", alter(descended, direction=-1)),
        Mutant("the loss is a sum, not a mean", alter(descended, loss=total_squares)),
        Mutant("the query is attended to as well", query_is_a_key, "left"),
        Mutant("the value matrix does not know W0", initial_weights_unknown, "left"),
    ),
)
