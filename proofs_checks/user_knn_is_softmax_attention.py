"""User-kNN with exponential similarity is the functional dual of softmax attention: a Nadaraya-Watson estimate."""

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import FunctionalDual, projective_targets
from lrgd_jax.kernels import ExponentialKernel
from lrgd_jax.recommend.forms.dense_reference import user_knn

INVERSE_TEMPERATURE = 0.5
KERNEL = ExponentialKernel(INVERSE_TEMPERATURE)


def positive_rates(rates):
    return {"rates": 0.25 + rates * rates}


def neighbours(query, keys, targets, rates):
    return user_knn(query, keys, targets, rates, INVERSE_TEMPERATURE)


def trained(keys, targets, rates, kernel=KERNEL):
    return FunctionalDual.untrained(keys, targets, kernel=kernel, sample_weights=rates, learning_rate=0.3)


def functional_step(query, keys, targets, rates):
    model = trained(keys, projective_targets(targets), rates)
    return model.predict(model.train(), query[None])[0]


def strangers_forgotten(query, keys, targets, rates):
    """Only the excess over the weight of those who share nothing, as if they had none."""
    excess = rates * (jnp.exp(INVERSE_TEMPERATURE * (keys @ query)) - 1)
    background = rates @ targets
    return (background + excess @ targets) / (1 + jnp.sum(excess))


def rates_in_the_numerator_only(query, keys, targets, rates):
    weights = jnp.exp(INVERSE_TEMPERATURE * (keys @ query))
    return (rates * weights) @ targets / jnp.sum(weights)


def other_temperature(query, keys, targets, rates):
    model = trained(keys, projective_targets(targets), rates, ExponentialKernel(2 * INVERSE_TEMPERATURE))
    return model.predict(model.train(), query[None])[0]


claim = Claim(
    slug="user-knn-is-softmax-attention",
    title="User neighbours are softmax attention",
    group="F",
    statement=r"""
Let past users' histories be keys $x_i$, what they took next targets $y_i$, and let similarity be $\kappa(x,q) = e^{\langle x,q\rangle/\theta}$. The vote of all neighbours
is the projective output of one functional step from $f_0 = 0$ on $L(f) = -\frac1\eta\sum_i\eta_i\langle[y_i;1],f(x_i)\rangle$ in the RKHS of $\kappa$, that is, softmax
attention at temperature $\theta$ with rates $\eta_i$:
$$\frac{\sum_i\eta_i\,\kappa(x_i,q)\,y_i}{\sum_i\eta_i\,\kappa(x_i,q)}
= \frac{\sum_i\eta_iy_i+\sum_i\eta_i\,(\kappa(x_i,q)-1)\,y_i}{\sum_i\eta_i+\sum_i\eta_i\,(\kappa(x_i,q)-1)} .$$
Users without a common item have $\kappa-1 = 0$; all they say is how popular the targets are. So a sparse sum gives the vote of everybody, exactly.
""",
    assumptions=("$\\eta_i > 0$, so that the votes do not sum to zero",),
    proof=r"""
By `softmax-attention` with $f_0=0$ and sample weights $\eta_i$, $f_1 = \sum_i\eta_i[y_i;1]\,\kappa(x_i,\cdot)$, and the ratio of its components at q is the left
fraction. Adding and subtracting $\sum_i\eta_iy_i$ above and $\sum_i\eta_i$ below gives the right one; $\langle x_i,q\rangle = 0$ makes $\kappa = 1$. $\square$
""",
    source="Nadaraya 1964, Watson 1964; attention as their estimate: Tsai et al. 2019, arXiv 1908.11775; the sparse form is ours",
    arguments={"query": "f", "keys": "n f", "targets": "n m", "rates": "n"},
    dimensions={"n": (2, 6), "f": (1, 3), "m": (1, 3)},
    shapes=({"n": 5, "f": 3, "m": 3}, {"n": 3, "f": 2, "m": 2}, {"n": 2, "f": 1, "m": 2}),
    given=positive_rates,
    left=neighbours,
    right=functional_step,
    mutants=(
        Mutant("those who share nothing do not count in the normaliser", strangers_forgotten),
        Mutant("the rates are in the numerator only", rates_in_the_numerator_only),
        Mutant("another temperature", other_temperature),
    ),
)
