"""ALiBi's bias on the logits is weight decay of the functional dual."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import FunctionalDual, KernelExpansion, projective_readout, projective_targets
from lrgd_jax.kernels import ExponentialKernel
from lrgd_jax.positions import alibi_bias, visible

KERNEL = ExponentialKernel()


def positive_slope(slope):
    return {"slope": jnp.abs(slope)}


def attention(queries, keys, values, slope, n):
    bias = alibi_bias(n, n, slope, keys.dtype)
    return softmax_attention(queries, keys, values, bias=bias, mask=visible(n, n, causal=True))


def read_each(trajectory, queries, keys):
    """The ratio at every token, by the function that the steps up to it have made."""
    raw = jax.vmap(lambda c, q: KernelExpansion(keys, c, KERNEL)(q[None])[0])(trajectory, queries)
    return projective_readout(raw)


def trajectory_of(keys, values, retention):
    model = FunctionalDual.untrained(keys, projective_targets(values), learning_rate=0.3)
    return model.train_online(retention=retention)


def decayed(queries, keys, values, slope):
    return read_each(trajectory_of(keys, values, jnp.exp(-slope)), queries, keys)


def not_decayed(queries, keys, values):
    return read_each(trajectory_of(keys, values, None), queries, keys)


def grows(queries, keys, values, slope):
    return read_each(trajectory_of(keys, values, jnp.exp(slope)), queries, keys)


def decayed_twice_a_step(queries, keys, values, slope):
    return read_each(trajectory_of(keys, values, jnp.exp(-2 * slope)), queries, keys)


def first_decay_skipped(queries, keys, values, slope, n):
    """Decay off by one step: a token's first decay comes one token late."""
    newest = jnp.eye(n, dtype=values.dtype)[:, :, None]
    trajectory = trajectory_of(keys, values, jnp.exp(-slope))
    late = newest * trajectory + (1 - newest) * trajectory * jnp.exp(slope)
    return read_each(late, queries, keys)


claim = Claim(
    slug="alibi-is-weight-decay",
    title="ALiBi is weight decay of the functional dual",
    group="A",
    statement=r"""
Softmax attention with the bias $-m\,(t-i)$ on its logits is $a_t/b_t$, where $(a_t;b_t) = f_t(q_t)$ and
$$f_t = (1-\eta\lambda)\,f_{t-1} - \eta\nabla_{\mathcal H}L_t,\qquad 1-\eta\lambda = e^{-m},\qquad
L_t(f) = -\frac1\eta\langle[v_t;1], f(k_t)\rangle,\quad f_0 = 0.$$
""",
    assumptions=("slope $m \\ge 0$", "causal"),
    proof=r"""
By induction $f_t = \sum_{i\le t} e^{-m(t-i)}[v_i;1]\,\kappa(k_i,\cdot)$: the step adds token $t$ with weight one and the decay
multiplies all earlier ones by $e^{-m}$. At $q_t$ the $i$-th term is $e^{k_i^\top q_t/\sqrt d - m(t-i)}[v_i;1]$; take the ratio. $\square$

The ratio hides a common factor, so decay that is late for *every* token, the newest included, would not be seen; late for
all but the newest is another function (a mutant below).
""",
    source="Press et al. 2022, arXiv 2108.12409, section 3; the reading as weight decay is ours",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv", "slope": ""},
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 3, "d": 4, "dv": 1}),
    given=positive_slope,
    left=attention,
    right=decayed,
    mutants=(
        Mutant("no decay", not_decayed),
        Mutant("the old steps grow", grows),
        Mutant("decay applied twice a step", decayed_twice_a_step),
        Mutant("decay off by one step", first_decay_skipped),
    ),
)
