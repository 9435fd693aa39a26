"""How far bounded changes of keys, queries and targets can move the output: bounds, and instances that come near."""

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel, FunctionalDual, projective_targets
from lrgd_jax.features import elu_plus_one, identity
from lrgd_jax.kernels import ExponentialKernel

RATE = 0.25
KERNEL = ExponentialKernel(scale=0.5)


def square(x):
    """The squared length."""
    return jnp.sum(x * x, axis=-1)


def length(x):
    """A little more than the length, and smooth at zero: what a bound may use."""
    return jnp.sqrt(0.0000152587890625 + square(x))


def nearly_unit(x):
    """Vectors shorter than one, nearly of length one unless they are small."""
    return x / jnp.sqrt(0.015625 + jnp.sum(x * x, axis=-1, keepdims=True))


def within_the_radius(query, changes, target_changes, query_change, radius):
    radius = (1 + radius * radius) / (2 + radius * radius)
    return {
        "radius": radius,
        "towards": radius * nearly_unit(query),
        "changes": radius * nearly_unit(changes),
        "target_changes": radius * nearly_unit(target_changes),
        "query_change": radius * nearly_unit(query_change),
    }


def linear(query, keys, values, feature_map=identity):
    model = DualModel.untrained(keys, values, feature_map=feature_map, learning_rate=RATE)
    return model.predict(model.train(), query[None])[0]


def softmax(query, keys, values):
    model = FunctionalDual.untrained(keys, projective_targets(values), kernel=KERNEL, learning_rate=RATE)
    return model.predict(model.train(), query[None])[0]


def shifts(query, keys, values, changes, target_changes, query_change, towards):
    """How far the duals' outputs move, squared; the extremal leaves build the worst keys and values themselves."""
    poles = jnp.stack([-towards, towards]) / 2
    apart = jnp.stack([values[0], -values[0]])
    aligned = jnp.abs(values[:, :1])
    return {
        "linear, targets": square(linear(query, keys, values + target_changes) - linear(query, keys, values)),
        "linear, keys": square(linear(query, keys + changes, values) - linear(query, keys, values)),
        "linear, keys, elu features": square(
            linear(query, keys + changes, values, elu_plus_one) - linear(query, keys, values, elu_plus_one)
        ),
        "linear, keys, extremal": square(
            linear(query, keys + towards[None, :], aligned) - linear(query, keys, aligned)
        ),
        "softmax, targets": square(softmax(query, keys, values + target_changes) - softmax(query, keys, values)),
        "softmax, keys": square(softmax(query, keys + changes, values) - softmax(query, keys, values)),
        "softmax, query": square(softmax(query + query_change, keys, values) - softmax(query, keys, values)),
        "softmax, keys, extremal": square(softmax(query, -poles, apart) - softmax(query, poles, apart)),
    }


def diameter(x):
    return jnp.max(length(x[:, None, :] - x[None, :, :]))


def lengths(query, keys, values, radius):
    """The bounds in closed form: no model is trained."""
    reach = radius * length(query)
    half_range = KERNEL.scale * reach
    mapped = length(jnp.where(query > 0, query + 1, jnp.exp(query)))
    return {
        "linear, targets": radius * jnp.sum(jnp.abs(keys @ query)),
        "linear, keys": reach * jnp.sum(length(values)),
        "linear, keys, elu features": radius * mapped * jnp.sum(length(values)),
        "linear, keys, extremal": reach * jnp.sum(jnp.abs(values[:, 0])),
        "softmax, targets": radius * jnp.ones_like(half_range),
        "softmax, keys": diameter(values) * jnp.tanh(half_range / 2),
        "softmax, query": diameter(values) * jnp.tanh(KERNEL.scale * radius * diameter(keys) / 4),
        "softmax, keys, extremal": 2 * length(values[0]) * jnp.tanh(half_range / 2),
    }


def squares(named):
    return {name: bound**2 for name, bound in named.items()}


def bounds(query, keys, values, radius):
    return squares(lengths(query, keys, values, radius))


def half_the_range(query, keys, values, radius):
    small = jnp.tanh(KERNEL.scale * radius * length(query) / 4)
    wrong = 2 * length(values[0]) * small
    return squares({**lengths(query, keys, values, radius), "softmax, keys, extremal": wrong})


def radius_of_the_values(query, keys, values, radius):
    wrong = lengths(query, keys, values, radius)["softmax, keys, extremal"] / 2
    return squares({**lengths(query, keys, values, radius), "softmax, keys, extremal": wrong})


def mean_in_place_of_sum(query, keys, values, radius):
    wrong = lengths(query, keys, values, radius)["linear, keys, extremal"] / values.shape[0]
    return squares({**lengths(query, keys, values, radius), "linear, keys, extremal": wrong})


def targets_without_the_kernel(query, keys, values, radius):
    """The softmax bound passed off as the linear one: weights that sum to one."""
    return squares({**lengths(query, keys, values, radius), "linear, keys, extremal": radius})


claim = Claim(
    slug="perturbation-bound",
    title="Bounded changes of keys, queries and targets move the output by at most a stated amount",
    group="C",
    statement=r"""
Let every key change by at most $\varepsilon$. Linear attention with an $L$-Lipschitz feature map moves by at most
$$\varepsilon\,L\,\|\phi(q)\|\sum_i\|v_i\|,$$
softmax attention, with $D = \max_{ij}\|v_i-v_j\|$ and logits $s\,q^\top k_i$, by at most
$$D\,\tanh\!\big(\tfrac{s}{2}\,\varepsilon\,\|q\|\big)\;\le\;\tfrac{s}{2}\,\varepsilon\,D\,\|q\|;$$
if the query changes by at most $\varepsilon$ instead, by at most $D\tanh(\frac s4\varepsilon\max_{ij}\|k_i-k_j\|)$. All are sharp. Targets that change
by at most $\varepsilon$ move the outputs by at most $\varepsilon\sum_i|\kappa(k_i,q)|$ and $\varepsilon$.
""",
    assumptions=(
        "$q$ and the values are bounded: with $q$ or $v$ unbounded neither attention is Lipschitz in the keys",
        "no zero-shot context here; with one, $D$ is taken over all tokens and the bounds stay",
        "the elu features have $L = 1$",
    ),
    proof=r"""
*Linear.* $\Delta o = \sum_iv_i\langle\phi(k_i+\delta_i)-\phi(k_i),\phi(q)\rangle$; triangle inequality and Cauchy-Schwarz. Equality for
$\phi$ the identity: $\delta_i = \varepsilon q/\|q\|$ and values that are positive multiples of one vector. The derivative of elu is in $(0,1]$.

*Softmax.* Let the logits change by $z_i$ and $R = \max z-\min z$; $p$, $\tilde p$ are the weights before and after. With
$A = \{i:\tilde p_i > p_i\}$ the total variation distance is $\tau = \tilde p(A)-p(A)$. The odds of $A$ change by a factor of at most
$e^{R}$, for the weights inside are multiplied by at most $e^{\max z}$ and those outside by at least $e^{\min z}$. So the log-odds of
$A$ move by at most $R$, and over an interval of length $R$ the logistic function rises most around zero:
$\tau\le\sigma(R/2)-\sigma(-R/2) = \tanh(R/4)$. As $\tilde p-p = \tau(\mu-\nu)$ with probability vectors $\mu$, $\nu$,
$\|\Delta o\| = \tau\,\|\mathbb E_\mu v-\mathbb E_\nu v\|\le\tau D$. For keys $|z_i| = s|q^\top\delta_i|\le s\varepsilon\|q\|$, hence
$R\le2s\varepsilon\|q\|$; for the query $z_i-z_j = s\,\delta^\top(k_i-k_j)$, hence $R\le s\varepsilon\max_{ij}\|k_i-k_j\|$. Equality: two demonstrations with keys
$\mp\frac\varepsilon2q/\|q\|$ that change places.

*Targets.* `target-perturbation`, and the triangle inequality; softmax weights sum to one. $\square$

The instances called extremal come within the factor $\|q\|/\sqrt{\|q\|^2+1/64}$ of the extremal change, so that a smaller
bound would be broken. Both sides are squared, and lengths on the right are taken as $\sqrt{\|x\|^2+2^{-16}}$, to be smooth at zero.
""",
    source="self-attention is not globally Lipschitz: Kim et al. 2021, arXiv 2006.04710; the bound with tanh and its sharpness are "
    "proved here",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "changes": "n d",
        "target_changes": "n dv",
        "query_change": "d",
        "radius": "",
    },
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 3, "d": 2, "dv": 1}, {"n": 2, "d": 1, "dv": 2}),
    given=within_the_radius,
    left=shifts,
    right=bounds,
    relation="at most",
    mutants=(
        Mutant("half the range of the logits", half_the_range),
        Mutant("the radius of the values in place of their diameter", radius_of_the_values),
        Mutant("a mean over demonstrations in place of the sum", mean_in_place_of_sum),
        Mutant("linear attention bounded like softmax attention", targets_without_the_kernel),
    ),
)
