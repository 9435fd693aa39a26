"""Softmax attention is one functional gradient step in the RKHS of the exponential kernel, exactly."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Claim, Mutant, alter_results
from lrgd_jax.dual import FunctionalDual, KernelExpansion, alignment, projective_targets
from lrgd_jax.kernels import ExponentialKernel, gram

RATE = 0.3
KERNEL = ExponentialKernel()


def repeated_key(keys, n):
    """The Gram matrix is singular: the first and the last demonstration have the same key."""
    return {"keys": keys.at[n - 1].set(keys[0])} if n > 1 else {}


def attention(query, keys, values, context_keys, context_values, direction, point):
    """The output; and what autodiff says of L, on coefficients and along a direction of the function space."""
    everything = jnp.concatenate([keys, context_keys]), jnp.concatenate([values, context_values])

    def loss(function):
        weights = jnp.ones(values.shape[:1], values.dtype)
        return alignment(RATE)(function(keys), projective_targets(values), weights)

    def loss_of_coefficients(coefficients):
        return loss(KernelExpansion(keys, coefficients, KERNEL))

    def loss_along(step):
        return loss(KernelExpansion(point[None], step * direction[None], KERNEL))

    zero = jnp.zeros((values.shape[0], values.shape[1] + 1), values.dtype)
    return {
        "output": softmax_attention(query[None], *everything)[0],
        "Gram matrix times the step": -RATE * jax.grad(loss_of_coefficients)(zero),
        "directional derivative": jax.grad(loss_along)(jnp.zeros((), values.dtype)),
    }


def functional_dual(keys, values, context_keys, context_values):
    zero_shot = KernelExpansion(context_keys, projective_targets(context_values), KERNEL)
    return FunctionalDual(zero_shot, keys, projective_targets(values), learning_rate=RATE)


def after_one_step(query, keys, values, context_keys, context_values, direction, point):
    model = functional_dual(keys, values, context_keys, context_values)
    function = model.train()
    step = function.coefficients[context_keys.shape[0] :]
    kernel_values = gram(KERNEL, point[None], keys)[0]
    return {
        "output": model.predict(function, query[None])[0],
        "Gram matrix times the step": gram(KERNEL, keys, keys) @ step,
        "directional derivative": -jnp.sum((projective_targets(values) @ direction) * kernel_values) / RATE,
    }


def uphill(query, keys, values, context_keys, context_values):
    model = functional_dual(keys, values, context_keys, context_values)
    ascent = KernelExpansion(keys, -projective_targets(values), KERNEL)
    return model.predict(model.initial_function + ascent, query[None])[0]


def zero_shot_left_out(query, keys, values):
    model = FunctionalDual.untrained(keys, projective_targets(values), learning_rate=RATE)
    return model.predict(model.train(), query[None])[0]


def euclidean_gradient(query, keys, values, context_keys, context_values):
    """The gradient with respect to the coefficients, without the inverse of the Gram matrix."""
    step = KernelExpansion(keys, gram(KERNEL, keys, keys) @ projective_targets(values), KERNEL)
    model = functional_dual(keys, values, context_keys, context_values)
    return model.predict(model.initial_function + step, query[None])[0]


def normaliser_not_trained(query, keys, values, context_keys, context_values):
    targets = projective_targets(values).at[:, -1].set(0)
    model = functional_dual(keys, values, context_keys, context_values)
    step = KernelExpansion(keys, targets, KERNEL)
    return model.predict(model.initial_function + step, query[None])[0]


claim = Claim(
    slug="softmax-attention",
    title="Softmax attention is one functional gradient step, exactly",
    group="A",
    statement=r"""
Let $\kappa(x,y) = e^{x^\top y/\sqrt d}$ and $\mathcal H$ its RKHS. With
$$f_0 = \sum_{i\in T} [v_i;1]\,\kappa(k_i,\cdot),\qquad L(f) = -\frac1\eta\sum_{i\in D}\langle[v_i;1], f(k_i)\rangle,
\qquad f_1 = f_0 - \eta\nabla_{\mathcal H}L(f_0),$$
$f_1(q) = (a; b)$ and $a/b$ is softmax attention of $q$ over $D\cup T$. Moreover, for $f = \sum_j c_j\kappa(k_j,\cdot)$
with Gram matrix $G$, the step $\Delta C$ satisfies $G\,\Delta C = -\eta\,\partial L/\partial C$, and for every point
$x$ and direction $u$, $\frac{d}{d\varepsilon}L(f + \varepsilon\,\kappa(x,\cdot)u) =
-\frac1\eta\sum_D\langle u, [v_i;1]\rangle\,\kappa(k_i,x)$.
""",
    assumptions=("$D\\cup T$ is not empty", "keys may repeat: $G$ may be singular"),
    proof=r"""
*The gradient.* $f(k_i) = \langle f, \kappa(k_i,\cdot)\rangle_{\mathcal H}$ componentwise, so $L$ is linear and continuous,
and its Riesz representer is $\nabla L = -\frac1\eta\sum_D [v_i;1]\,\kappa(k_i,\cdot)$. Hence
$f_1 = \sum_{D\cup T}[v_i;1]\,\kappa(k_i,\cdot)$, and the ratio of its components at $q$ is the softmax average.

*In coefficients.* $L(C) = -\frac1\eta\operatorname{tr}(Y^\top G C)$ with rows $Y_i = [v_i;1]$, so $\partial L/\partial C =
-\frac1\eta GY$, while $\Delta C = Y$: $G\,\Delta C = -\eta\,\partial L/\partial C$. This form needs no inverse and loses
nothing: if $Gz = 0$ then $\|\sum_j z_j\kappa(k_j,\cdot)\|^2_{\mathcal H} = z^\top Gz = 0$, so coefficients that agree after
multiplication by $G$ are the same function, also where repeated keys make $G$ singular.

*Along a direction.* $L$ is linear, so the derivative is $L(\kappa(x,\cdot)u)$, the stated sum. $\square$
""",
    source="kernel smoother: Tsai et al. 2019, arXiv 1908.11775; functional gradient: Mason et al. 1999; "
    "Ren & Liu 2023, arXiv 2310.13220, section 3",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "context_keys": "c d",
        "context_values": "c dv",
        "direction": "dv+1",
        "point": "d",
    },
    dimensions={"n": (1, 5), "c": (0, 3), "d": (1, 4), "dv": (1, 3)},
    shapes=(
        {"n": 5, "c": 2, "d": 3, "dv": 2},
        {"n": 2, "c": 1, "d": 4, "dv": 1},
        {"n": 0, "c": 1, "d": 1, "dv": 1},
    ),
    given=repeated_key,
    left=attention,
    right=after_one_step,
    mutants=(
        Mutant("the step goes uphill", alter_results(after_one_step, {"output": uphill})),
        Mutant("f0 is left out", alter_results(after_one_step, {"output": zero_shot_left_out})),
        Mutant(
            "Euclidean gradient of the coefficients, without the Gram matrix",
            alter_results(after_one_step, {"output": euclidean_gradient}),
        ),
        Mutant("the normaliser takes no step", alter_results(after_one_step, {"output": normaliser_not_trained})),
    ),
)
