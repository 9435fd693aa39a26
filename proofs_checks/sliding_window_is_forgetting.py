"""A sliding window is a dual that unlearns the token that leaves it."""

import jax

from lrgd_jax.attention import linear_attention, softmax_attention
from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_readout, projective_targets
from lrgd_jax.features import elu_plus_one
from lrgd_jax.kernels import ExponentialKernel
from lrgd_jax.positions import visible


def attention(queries, keys, values, n, window, phi):
    mask = visible(n, n, window=window)
    return {
        "linear": linear_attention(queries, keys, values, feature_map=phi, mask=mask),
        "softmax": softmax_attention(queries, keys, values, mask=mask),
    }


def forgetting(queries, keys, values, window, phi):
    linear = DualModel.untrained(keys, values, feature_map=phi, learning_rate=0.3)
    weights = linear.train_online(window=window)
    functional = FunctionalDual.untrained(keys, projective_targets(values), learning_rate=0.3)
    coefficients = functional.train_online(window=window)

    def softmax_at(c, q):
        return projective_readout(KernelExpansion(keys, c, ExponentialKernel())(q[None])[0])

    return {
        "linear": jax.vmap(lambda w, q: w @ phi(q))(weights, queries),
        "softmax": jax.vmap(softmax_at)(coefficients, queries),
    }


claim = Claim(
    slug="sliding-window-is-forgetting",
    title="Sliding-window attention unlearns the token that leaves",
    group="A",
    statement=r"""
Attention over the last $w$ tokens is the prediction of the dual (finite for linear, functional for softmax attention) with
$$W_t = W_{t-1} - \eta\nabla L_t(W_{t-1}) + \eta\nabla L_{t-w}(W_{t-1}),\qquad W_0 = 0,\quad L_j = 0 \text{ for } j \le 0:$$
the step of the token that leaves the window is subtracted.
""",
    assumptions=("$w \\ge 1$; the window counts the token itself",),
    proof=r"""
The gradients are constant in $W$: $-\eta\nabla L_j = v_j\phi(k_j)^\top$ (or $[v_j;1]\kappa(k_j,\cdot)$). The sum telescopes to
$W_t = \sum_{t-w<i\le t} v_i\phi(k_i)^\top$, which are the visible tokens; use `linear-attention`, `softmax-attention`. $\square$
""",
    source="windows: Beltagy et al. 2020, arXiv 2004.05150; the reading as unlearning is ours",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv"},
    dimensions={"n": (1, 6), "d": (1, 3), "dv": (1, 3), "window": (1, 4)},
    free={"phi": elu_plus_one},
    shapes=({"n": 6, "d": 3, "dv": 2, "window": 3}, {"n": 4, "d": 5, "dv": 1, "window": 2}),
    left=attention,
    right=forgetting,
    mutants=(
        Mutant("nothing leaves the window", alter(forgetting, window=lambda window: None)),
        Mutant("tokens leave one step late", alter(forgetting, window=lambda window: window + 1)),
        Mutant("tokens leave one step early", alter(forgetting, window=lambda window: window - 1)),
    ),
)
