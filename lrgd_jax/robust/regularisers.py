"""Regularisation as one switch on the dual, each with the attention modification that it equals.

`train` takes the dual's steps by `jax.grad`; `modify` changes attention's weights and values from the kernel alone.
Neither knows the other; `lrgd_jax.robust.regularise` sets their outputs side by side.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from lrgd_jax.dual import squared_error
from lrgd_jax.dual.base import Coordinates, OneStepModel
from lrgd_jax.dual.descent import decayed_sgd
from lrgd_jax.robust.modified_attention import Kernels, ModifiedAttention, Regulariser
from lrgd_jax.robust.prediction import check_strength
from lrgd_jax.robust.regularised_descent import (
    anchored_sgd,
    demonstration_gradients,
    descend,
    descend_online,
    minimiser,
)

__all__ = ["anchor", "clip", "contrast", "drop", "fraction", "none", "ridge", "weight_decay"]


def none() -> Regulariser:
    """No regularisation: one step on all demonstrations, attention as it is.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import regularise
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> regularise(model, jnp.array([1.0, 2.0]), none()).measured.round(3).tolist()
        [18.0]
    """
    return replace(fraction(1.0), name="none", attention="attention as it is")


def fraction(size: float) -> Regulariser:
    r"""A step of another size: the demonstrations count $\gamma$ times; normalised, $\log\gamma$ on their logits.

    Args:
        size: gamma > 0, the step in units of the learning rate.

    Raises:
        ValueError: the size is not positive.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import regularise
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> regularise(model, jnp.array([1.0, 2.0]), fraction(0.5)).measured.round(3).tolist()
        [9.0]
    """
    if not 0 < size < float("inf"):
        raise ValueError(f"fraction: the size of the step must be positive and finite, got {size}")

    def train(model: OneStepModel) -> Coordinates:
        return descend(model, optax.sgd(size * model.learning_rate), 1)

    return Regulariser("step size", train, lambda k: k.weighted(size), "the demonstrations' weights times gamma")


def weight_decay(decay: float) -> Regulariser:
    r"""One step on each demonstration in turn, with decay: weights $\rho^{n-i}$, the zero-shot part $\rho^n$.

    Args:
        decay: eta lambda in [0, 1), what one step takes of the weights; rho = 1 - decay.

    Raises:
        ValueError: the decay lies outside [0, 1).

    Source: claim `weight-decay-is-retention`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import regularise
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> regularise(model, jnp.array([1.0, 2.0]), weight_decay(0.5)).measured.round(3).tolist()
        [16.5]
    """
    _check_decay("weight_decay", decay)

    def train(model: OneStepModel) -> Coordinates:
        return descend_online(model, decayed_sgd(model.learning_rate, 1 - decay))

    def modify(k: Kernels) -> ModifiedAttention:
        n = k.near.shape[0]
        return k.weighted(_ages(k, decay), zero_shot=(1 - decay) ** n)

    return Regulariser("weight decay", train, modify, "weights fade by (1 - eta lambda) a step, the zero-shot part too")


def anchor(decay: float, *, steps: int | None = None) -> Regulariser:
    r"""A pull toward W_0: it shrinks the demonstrations' part and leaves the zero-shot part.

    Args:
        decay: eta lambda in [0, 1).
        steps: full-batch steps S, which weigh the demonstrations by $\sum_{s<S}(1-\eta\lambda)^s$; one step on each
            demonstration in turn unless given, which weighs them by $(1-\eta\lambda)^{n-i}$.

    Raises:
        ValueError: the decay lies outside [0, 1), or there is no step.

    Source: claim `anchored-regularisation`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import regularise
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> regularise(model, jnp.array([1.0, 2.0]), anchor(0.5, steps=2)).measured.round(3).tolist()
        [27.000001907348633]
    """
    _check_decay("anchor", decay)
    _check_steps("anchor", steps)

    def train(model: OneStepModel) -> Coordinates:
        optimiser = anchored_sgd(model.initial_coordinates, decay / model.learning_rate, model.learning_rate)
        return descend_online(model, optimiser) if steps is None else descend(model, optimiser, steps)

    def modify(k: Kernels) -> ModifiedAttention:
        if steps is None:
            return k.weighted(_ages(k, decay))
        return k.weighted(sum((1 - decay) ** s for s in range(steps)))

    return Regulariser("anchor", train, modify, "the demonstrations' weights shrink, the zero-shot part stays")


def ridge(strength: float, *, rate: float | None = None, steps: int | None = None) -> Regulariser:
    r"""Squared error with ridge: values $(K + \lambda I)^{-1}(y - f_0)$ on weights $\kappa_i$, or T steps toward it.

    The loss is $\frac12\sum_i s_i\|f(k_i)-y_i\|^2 + \frac\lambda2\|f-f_0\|^2$. With steps of size eta the values are
    $\eta\sum_{s<T}(I-\eta(SK+\lambda I))^s S(y-f_0)$: early stopping.

    Args:
        strength: lambda >= 0, positive unless `steps` are given.
        rate: eta of the steps.
        steps: T; the minimiser unless given.

    Raises:
        ValueError: the strength is negative, or zero without steps; or steps without a rate.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import regularise
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> regularise(model, jnp.array([1.0, 2.0]), ridge(1.0)).measured.round(3).tolist()
        [5.0]
    """
    check_strength("ridge", strength)
    _check_steps("ridge", steps)
    if (rate is None) != (steps is None):
        raise ValueError(f"ridge: early stopping needs a rate and steps, both or none; got rate={rate}, steps={steps}")
    if steps is None and strength == 0:
        raise ValueError("ridge: the minimiser needs a positive strength; give one, or a rate and steps")
    if rate is not None and not rate > 0:
        raise ValueError(f"ridge: the rate of the steps must be positive, got {rate}")

    def train(model: OneStepModel) -> Coordinates:
        squared = model.replace(objective=squared_error)
        if steps is not None and rate is not None:
            return descend(squared, anchored_sgd(model.initial_coordinates, strength, rate), steps)
        return minimiser(squared, strength)

    def modify(k: Kernels) -> ModifiedAttention:
        residual = k.sample_weights[:, None] * (k.targets - k.start_at_keys)
        system = k.sample_weights[:, None] * k.gram + strength * jnp.eye(k.near.shape[0], dtype=k.near.dtype)
        if steps is None or rate is None:
            values = jnp.linalg.solve(system, residual)
        else:
            values = _partial_solution(system, residual, rate, steps)
        return ModifiedAttention(jnp.ones_like(k.near[:1])[0], k.near, values, k.start)

    name = "ridge" if steps is None else "early stopping"
    return Regulariser(name, train, modify, "values are replaced by (K + lambda)^-1 times their residuals")


def clip(threshold: float) -> Regulariser:
    r"""Each demonstration's step is clipped to c: its target times $\min(1, c / (\|y_i\|\,\|\phi(k_i)\|))$.

    Args:
        threshold: c > 0, of eta times the norm of the gradient.

    Raises:
        ValueError: the threshold is not positive.

    Source: claim `gradient-clipping`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import regularise
        >>> keys, values = jnp.array([[1.0, 0.0], [0.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> regularise(model, jnp.array([1.0, 2.0]), clip(3.0)).measured.round(3).tolist()
        [9.0]
    """
    if not 0 < threshold < float("inf"):
        raise ValueError(f"clip: the threshold must be positive and finite, got {threshold}")

    def train(model: OneStepModel) -> Coordinates:
        start = model.initial_coordinates
        each, norms = demonstration_gradients(model)
        limit = jnp.asarray(threshold / model.learning_rate, norms.dtype)
        clipped = each * (limit / jnp.maximum(norms, limit))[:, None, None]
        return start - model.learning_rate * jnp.sum(clipped, axis=0)

    def modify(k: Kernels) -> ModifiedAttention:
        lengths = jnp.abs(k.sample_weights) * jnp.linalg.norm(k.targets, axis=1) * jnp.sqrt(jnp.diagonal(k.gram))
        limit = jnp.asarray(threshold, lengths.dtype)
        return k.weighted(limit / jnp.maximum(lengths, limit))

    return Regulariser("clipping", train, modify, "a demonstration's weight shrinks where its step would be long")


def drop(kept: Float[Array, " n"], *, rate: float | None = None) -> Regulariser:
    """Demonstrations are dropped: their attention weights are zero.

    Args:
        kept: one where a demonstration is kept, else zero (`lrgd_jax.robust.dropout_mask`).
        rate: divide what is kept by 1 - rate, which keeps the mean; not divided unless given.

    Raises:
        ValueError: the rate lies outside [0, 1).

    Source: claim `demonstration-dropout`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import regularise
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> regularise(model, jnp.array([1.0, 2.0]), drop(jnp.array([1.0, 0.0]))).measured.round(3).tolist()
        [3.000000238418579]
    """
    if rate is not None and not 0 <= rate < 1:
        raise ValueError(f"drop: the rate must lie in [0, 1) to divide by 1 - rate, got {rate}")
    factor = kept if rate is None else kept / (1 - rate)

    def train(model: OneStepModel) -> Coordinates:
        weights = model.data.sample_weights * factor
        return descend(model.replace(sample_weights=weights), optax.sgd(model.learning_rate), 1)

    return Regulariser("dropout", train, lambda k: k.weighted(factor), "weights of dropped demonstrations are zero")


def contrast(negatives: Float[Array, "n n"], *, normaliser: bool = False) -> Regulariser:
    r"""Negative samples: values $v_i - \sum_j B_{ij} v_j$; with $B_{ij} = 1/n$ they are centred.

    Args:
        negatives: B, how much j counts as a negative of i.
        normaliser: contrast the last target of a projective dual too, which is one and else stays one.

    Source: Ren & Liu 2023, arXiv 2310.13220; claim `negative-samples`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import regularise
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> regularise(model, jnp.array([1.0, 2.0]), contrast(jnp.full((2, 2), 0.5))).measured.round(3).tolist()
        [2.0]
    """

    def train(model: OneStepModel) -> Coordinates:
        projective = model.projective and not normaliser

        def loss(predictions: Float[Array, "n u"], targets: Float[Array, "n u"], weights: Float[Array, " n"]):
            agreement = (weights[:, None] * predictions) @ targets.T
            if projective:
                # the normaliser's component agrees with its own target only
                last = jnp.outer(weights * predictions[:, -1], targets[:, -1])
                return -(jnp.trace(agreement) - jnp.sum(negatives * (agreement - last))) / model.learning_rate
            return -(jnp.trace(agreement) - jnp.sum(negatives * agreement)) / model.learning_rate

        return descend(model.replace(objective=loss), optax.sgd(model.learning_rate), 1)

    def modify(k: Kernels) -> ModifiedAttention:
        mixture = negatives @ k.targets
        if k.projective and not normaliser:
            mixture = mixture.at[:, -1].set(0)
        return replace(k.weighted(1.0), targets=k.targets - mixture)

    return Regulariser("negative samples", train, modify, "values minus a mixture of negatives' values")


def _ages(k: Kernels, decay: float) -> Float[Array, " n"]:
    """(1 - decay)^(n - i): what later steps leave of the i-th."""
    n = k.near.shape[0]
    return jnp.asarray([(1 - decay) ** (n - 1 - i) for i in range(n)], k.near.dtype)


def _partial_solution(
    system: Float[Array, "n n"], residual: Float[Array, "n u"], rate: float, steps: int
) -> Float[Array, "n u"]:
    """Eta times the sum of (I - eta A)^s residual for s < T, by Horner's rule."""

    def horner(values: Float[Array, "n u"], _):
        return values + rate * (residual - system @ values), None

    return jax.lax.scan(horner, jnp.zeros_like(residual), length=steps)[0]


def _check_decay(what: str, decay: float) -> None:
    if not 0 <= decay < 1:
        raise ValueError(f"{what}: the decay eta lambda of one step must lie in [0, 1), got {decay}")


def _check_steps(what: str, steps: int | None) -> None:
    if steps is not None and steps < 1:
        raise ValueError(f"{what}: at least one step is needed, got {steps}")
