r"""How much a demonstration accelerates the descent: one step's gain, and the rate of many from the kernel matrix.

Effect_D compares the loss with all demonstrations and with none. Here the descent is compared with and without each.
"""

# jax leaves what linalg returns without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

__all__ = [
    "DescentSpectrum",
    "contraction_factor",
    "convergence_gains",
    "descent_spectrum",
    "excess_loss",
    "one_step_gains",
]


def one_step_gains(
    contributions: Float[Array, "n o"], target: Float[Array, " o"], zero_shot: Float[Array, " o"]
) -> Float[Array, " n"]:
    r"""By how much lower the squared test loss is after one step with each demonstration than after it without.

    $$g_i = \tfrac12\|y - (o_1 - C_i)\|^2 - \tfrac12\|y - o_1\|^2 = \langle C_i,\,y - o_1\rangle + \tfrac12\|C_i\|^2,
    \qquad o_1 = o_0 + \textstyle\sum_j C_j$$

    Args:
        contributions: C_i, from `lrgd_jax.effect.contributions`; outputs must be sums of them.
        target: y.
        zero_shot: o_0.

    Source: the claim `one-step-gain`, proved there.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import one_step_gains
        >>> one_step_gains(jnp.array([[1.0], [2.0]]), target=jnp.array([3.0]), zero_shot=jnp.array([0.0])).tolist()
        [0.5, 2.0]
    """
    missing = target - zero_shot - jnp.sum(contributions, axis=0)
    return contributions @ missing + jnp.sum(contributions * contributions, axis=1) / 2


@struct.dataclass
class DescentSpectrum:
    r"""What descent on a squared error does in each direction of the kernel matrix by itself.

    Attributes:
        curvatures: $h_j = \mu_j + \lambda$, shape [n].
        excess: what the loss in this direction is above the optimum before the first step,
            $\frac{\mu_j}{2h_j}\|u_j^\top R\|^2$, shape [n]; zero where nothing can be learnt.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import DescentSpectrum, excess_loss
        >>> spectrum = DescentSpectrum(jnp.array([1.0, 0.5]), jnp.array([2.0, 4.0]))
        >>> float(excess_loss(spectrum, steps=1, learning_rate=1.0))
        1.0
    """

    curvatures: Float[Array, " n"]
    excess: Float[Array, " n"]


def descent_spectrum(
    kernel_matrix: Float[Array, "n n"], residuals: Float[Array, "n o"], ridge: Float[Array, ""] | float = 0.0
) -> DescentSpectrum:
    r"""The spectrum of descent on $L(f) = \frac12\sum_i\|f(x_i) - y_i\|^2 + \frac\lambda2\|f - f_0\|^2$.

    With $K = U\,\mathrm{diag}(\mu)\,U^\top$ and the residuals $R = Y - f_0(X)$ every direction $u_j$ is learnt by
    itself. Eigenvalues that rounding cannot tell from zero count as zero: nothing is learnt there.

    Args:
        kernel_matrix: K of the demonstrations, positive semidefinite.
        residuals: R, what the zero-shot model misses.
        ridge: lambda, zero or more; it pulls towards f_0.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import descent_spectrum
        >>> spectrum = descent_spectrum(jnp.diag(jnp.array([1.0, 4.0])), jnp.array([[2.0], [2.0]]), ridge=0.0)
        >>> spectrum.curvatures.tolist(), spectrum.excess.tolist()
        ([1.0, 4.0], [2.0, 2.0])
    """
    eigenvalues, directions = jnp.linalg.eigh(kernel_matrix)
    noise = kernel_matrix.shape[0] * jnp.finfo(kernel_matrix.dtype).eps * jnp.max(jnp.abs(eigenvalues), initial=0)
    learnt = eigenvalues > noise.astype(eigenvalues.dtype)
    curvatures = jnp.where(learnt, eigenvalues, 0 * eigenvalues) + ridge
    share = jnp.where(learnt, eigenvalues / jnp.where(learnt, curvatures, 1 + 0 * curvatures), 0 * eigenvalues)
    energy = jnp.sum((directions.T @ residuals) ** 2, axis=1)
    return DescentSpectrum(curvatures, share * energy / 2)


def excess_loss(spectrum: DescentSpectrum, *, steps: int, learning_rate: Float[Array, ""] | float) -> Float[Array, ""]:
    r"""How far above its optimum the loss is after T full-batch steps.

    $$L(f_T) - L(f_*) = \sum_j\frac{\mu_j}{2h_j}\,\|u_j^\top R\|^2\,(1-\eta h_j)^{2T}$$

    Args:
        spectrum: from `descent_spectrum`.
        steps: T.
        learning_rate: eta; steps diverge above $2/\max_j h_j$.

    Source: the claim `convergence-from-the-spectrum`; Yao, Rosasco and Caponnetto 2007, "On early stopping in gradient
    descent learning", section 2.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import descent_spectrum, excess_loss
        >>> spectrum = descent_spectrum(jnp.diag(jnp.array([1.0, 4.0])), jnp.array([[2.0], [2.0]]))
        >>> float(excess_loss(spectrum, steps=1, learning_rate=0.25))
        1.125
    """
    return jnp.sum(spectrum.excess * (1 - learning_rate * spectrum.curvatures) ** (2 * steps))


def contraction_factor(
    spectrum: DescentSpectrum, *, steps: int, learning_rate: Float[Array, ""] | float
) -> Float[Array, ""]:
    r"""By what factor a step brings the model nearer to the optimum, the geometric mean over T steps.

    $$\rho_T = \Big(\frac{L(f_T)-L(f_*)}{L(f_0)-L(f_*)}\Big)^{1/2T}\;\longrightarrow\;
    \rho_\infty = \max_{j:\,u_j^\top R\ne0}|1-\eta h_j|\qquad(T\to\infty)$$

    Below one the steps converge, linearly with this rate. It is one where nothing is left to be learnt.

    Args:
        spectrum: from `descent_spectrum`.
        steps: T, at least one.
        learning_rate: eta.

    Raises:
        ValueError: there is no step.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import contraction_factor, descent_spectrum
        >>> spectrum = descent_spectrum(jnp.diag(jnp.array([1.0, 4.0])), jnp.array([[2.0], [2.0]]))
        >>> [round(float(contraction_factor(spectrum, steps=t, learning_rate=0.25)), 3) for t in (1, 100)]
        [0.53, 0.747]
    """
    if steps < 1:
        raise ValueError(f"a contraction factor is of one step or more, got steps={steps}")
    factors = jnp.abs(1 - learning_rate * spectrum.curvatures)
    one = jnp.ones((), factors.dtype)
    whole = jnp.sum(spectrum.excess)
    # powers of the largest factor would underflow, so it is taken out
    largest = jnp.max(jnp.where(spectrum.excess > 0, factors, 0 * factors), initial=0)
    relative = jnp.minimum(factors / jnp.where(largest > 0, largest, one), one) ** (2 * steps)
    left = jnp.sum(spectrum.excess * relative) / jnp.where(whole > 0, whole, one)
    return jnp.where(whole > 0, largest * left ** (1 / (2 * steps)), one)


def convergence_gains(
    kernel_matrix: Float[Array, "n n"],
    residuals: Float[Array, "n o"],
    groups: Float[Array, "N n"] | None = None,
    *,
    steps: int,
    learning_rate: Float[Array, ""] | float,
    ridge: Float[Array, ""] | float = 0.0,
) -> Float[Array, " N"]:
    r"""By how much each demonstration accelerates the descent on all: the contraction factor without it less with it.

    $$g_i = \rho_T(D\setminus i) - \rho_T(D)$$

    Positive: with the demonstration every step comes relatively nearer to the optimum. Where many steps are taken at a
    stable rate and without ridge no demonstration is positive in the worst case: by Cauchy's interlacing the least
    eigenvalue of a kernel matrix does not grow by another row.

    Args:
        kernel_matrix: K of all examples, positive semidefinite.
        residuals: R, what the zero-shot model misses of them.
        groups: one where an example belongs to a demonstration, else zero; each is its own unless given.
        steps: T.
        learning_rate: eta, the same with and without.
        ridge: lambda.

    Source: interlacing: Horn & Johnson, "Matrix Analysis", theorem 4.3.17; the measure is ours.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import convergence_gains
        >>> kernel_matrix, residuals = jnp.diag(jnp.array([1.0, 2.0])), jnp.ones((2, 1))
        >>> gains = convergence_gains(kernel_matrix, residuals, steps=1, learning_rate=0.5)
        >>> [round(gain, 3) for gain in gains.tolist()]
        [-0.354, 0.146]
    """
    n = kernel_matrix.shape[0]
    members = jnp.eye(n, dtype=kernel_matrix.dtype) if groups is None else groups

    def factor(kept: Float[Array, " n"]) -> Float[Array, ""]:
        part = kept[:, None] * kernel_matrix * kept[None, :]
        spectrum = descent_spectrum(part, kept[:, None] * residuals, ridge)
        return contraction_factor(spectrum, steps=steps, learning_rate=learning_rate)

    return jax.vmap(factor)(1 - members) - factor(jnp.ones((n,), kernel_matrix.dtype))
