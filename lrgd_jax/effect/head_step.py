r"""How large the step of a functional dual is, in its Hilbert space and in its outputs.

A function $f = \sum_i \kappa(k_i, \cdot)\,c_i$ has the norm $\|f\|^2 = \sum_{ij}\langle c_i, c_j\rangle\,\kappa(k_i,
k_j)$. The kernel of real keys overflows, so norms are given by their logarithms.
"""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.dual.functional import FunctionalDual, KernelExpansion
from lrgd_jax.dual.one_step import SoftmaxDual
from lrgd_jax.dual.token_roles import TokenRoles
from lrgd_jax.kernels import ExponentialKernel

__all__ = ["HeadStep", "effective_rank", "head_step", "log_norm", "step_of"]


@struct.dataclass
class HeadStep:
    r"""The step of one dual, seen at its test points.

    Attributes:
        log_size: $\ln(\|f_1 - f_0\| / \|f_0\|)$ with the targets [v; 1].
        log_size_of_values: the same with the targets v alone.
        rank: effective rank of the step, targets [v; 1].
        rank_of_values: of the step, targets v.
        before: outputs of f_0, shape [share, dv].
        after: outputs of f_1, what attention returns.
    """

    log_size: Float[Array, ""]
    log_size_of_values: Float[Array, ""]
    rank: Float[Array, ""]
    rank_of_values: Float[Array, ""]
    before: Float[Array, "share dv"]
    after: Float[Array, "share dv"]


def head_step(
    dual: SoftmaxDual,
    inputs: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    role: TokenRoles,
    points: Float[Array, "share d"],
) -> HeadStep:
    """The dual of one key-value head for one query token, built, trained and measured.

    Args:
        dual: of the form.
        inputs: keys at their positions.
        values: of the same tokens.
        role: of each token for this query.
        points: the query of every head that shares the key-value head, at its position.
    """
    model = dual.build(inputs, values, role)
    trained, start, step = model.train(), dual.initial(model), step_of(model)
    return HeadStep(
        log_size=log_norm(step) - log_norm(start),
        log_size_of_values=log_norm(_without_ones(step)) - log_norm(_without_ones(start)),
        rank=effective_rank(step),
        rank_of_values=effective_rank(_without_ones(step)),
        before=jax.vmap(partial(dual.predict, model, start, role))(points),
        after=jax.vmap(partial(dual.predict, model, trained, role))(points),
    )


def step_of(model: FunctionalDual) -> KernelExpansion:
    r"""$f_1 - f_0$: what one gradient step on the demonstrations adds, with their keys as centres.

    Raises:
        ValueError: f_0 has other centres than the training set, as no dual of attention has.
    """
    start, trained = model.initial_function, model.train()
    if start.centres.shape != trained.centres.shape:
        raise ValueError(
            f"step_of: f_0 has {start.centres.shape[0]} centres and f_1 {trained.centres.shape[0]}; both must stand "
            "over the same keys, as in the model that `SoftmaxDual.build` returns"
        )
    return KernelExpansion(trained.centres, trained.coefficients - start.coefficients, start.kernel)


def log_norm(function: KernelExpansion) -> Float[Array, ""]:
    r"""$\ln\|f\|$ in the space of the exponential kernel; $-\infty$ where f is zero."""
    gram, shift = _shifted_gram(function)
    square = jnp.sum(function.coefficients * (gram @ function.coefficients))
    # rounding may leave a zero square below zero
    return (jnp.log(jnp.maximum(square, jnp.zeros_like(square))) + shift) / 2


def effective_rank(function: KernelExpansion) -> Float[Array, ""]:
    r"""$\exp(-\sum_k p_k\ln p_k)$ with $p_k = \sigma_k/\sum_l\sigma_l$: so many equal ones have that entropy.

    The singular values of $f = \sum_i c_i \otimes \kappa(k_i, \cdot)$ are the roots of the eigenvalues of $C^\top K C$.

    Source: Roy & Vetterli 2007, "The effective rank", EUSIPCO, definition 1.
    """
    gram, _ = _shifted_gram(function)
    squares: Float[Array, " u"] = jnp.linalg.eigvalsh(function.coefficients.T @ gram @ function.coefficients)
    sizes = jnp.sqrt(jnp.maximum(squares, jnp.zeros_like(squares)))
    shares = sizes / jnp.sum(sizes)
    return jnp.exp(-jnp.sum(jax.scipy.special.xlogy(shares, shares)))


def _without_ones(function: KernelExpansion) -> KernelExpansion:
    return KernelExpansion(function.centres, function.coefficients[:, :-1], function.kernel)


def _shifted_gram(function: KernelExpansion) -> tuple[Float[Array, "n n"], Float[Array, ""]]:
    """Kernel entries among the centres that count, the largest being one, and the logarithm of what divides them."""
    kernel = function.kernel
    if not isinstance(kernel, ExponentialKernel):
        raise ValueError(f"a norm in the space of the exponential kernel was asked for, got {type(kernel).__name__}")
    x = function.centres

    def row(a: Float[Array, " d"]) -> Float[Array, " n"]:
        return jax.vmap(partial(kernel.exponent, a))(x)

    exponents = jax.vmap(row)(x)
    counted = jnp.any(function.coefficients != 0, axis=1)
    pairs = counted[:, None] & counted[None, :]
    lowest = jnp.asarray(jnp.finfo(exponents.dtype).min / 2, exponents.dtype)
    exponents = jnp.where(pairs, exponents, lowest)
    shift = jnp.max(exponents)
    return jnp.where(pairs, jnp.exp(exponents - shift), jnp.zeros_like(exponents)), shift
