"""One face for both duals: their parameters, their gradient, what they predict.

The finite dual's parameters are its weights W; the functional dual's are the coefficients of f over the centres of f_0
followed by the training inputs. Sums, differences and multiples of parameters are those of the models they stand for.
"""

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_readout
from lrgd_jax.kernels import gram, kernel_of
from lrgd_jax.types import Kernel

__all__ = [
    "Model",
    "Parameters",
    "data_of",
    "gradient",
    "gradients",
    "initial_parameters",
    "kernel_of_model",
    "raw_output",
    "readout",
    "similarities",
]

Model: TypeAlias = DualModel | FunctionalDual
"""A dual model with its training set."""

Parameters: TypeAlias = Float[Array, "_ _"]
"""W of a `DualModel`, shape [u, r]; coefficients of a `FunctionalDual`, shape [c + n, u]."""


def kernel_of_model(model: Model) -> Kernel:
    """The kernel kappa of the model's features or of its space of functions."""
    return kernel_of(model.feature_map) if isinstance(model, DualModel) else model.initial_function.kernel


def data_of(model: Model) -> tuple[Float[Array, "n d"], Float[Array, "n u"], Float[Array, " n"]]:
    """Inputs, targets and sample weights; the weights are ones unless the model has others."""
    ones = jnp.ones(model.inputs.shape[:1], model.targets.dtype)
    return model.inputs, model.targets, ones if model.sample_weights is None else model.sample_weights


def initial_parameters(model: Model) -> Parameters:
    """W_0, or f_0 with zeros as coefficients over the training inputs."""
    if isinstance(model, DualModel):
        return model.initial_weights
    return jnp.concatenate([model.initial_function.coefficients, jnp.zeros_like(model.targets)])


def gradient(model: Model, parameters: Parameters, sample_weights: Float[Array, " n"]) -> Parameters:
    """The gradient of the model's loss, by `jax.grad`; in the RKHS for the functional dual."""
    inputs, targets, _ = data_of(model)
    if isinstance(model, DualModel):
        return jax.grad(model.loss)(parameters, inputs, targets, sample_weights)
    expansion = model.gradient(_function(model, parameters), inputs, targets, sample_weights)
    return jnp.concatenate([jnp.zeros_like(model.initial_function.coefficients), expansion.coefficients])


def gradients(model: Model, parameters: Parameters) -> tuple[Float[Array, "n _ _"], Float[Array, " n"]]:
    """The gradient of each demonstration's own loss, and its norm (Frobenius, or in the RKHS)."""
    sample_weights = data_of(model)[2]
    apart = jnp.diag(sample_weights)
    each = jax.vmap(lambda weights: gradient(model, parameters, weights))(apart)
    squares = jnp.sum(each**2, axis=(1, 2))
    if isinstance(model, FunctionalDual):
        squares = squares * jax.vmap(lambda x: kernel_of_model(model)(x, x))(model.inputs)
    return each, jnp.sqrt(squares)


def raw_output(model: Model, parameters: Parameters, point: Float[Array, " d"]) -> Float[Array, " u"]:
    """The prediction at one test point before any ratio is taken."""
    if isinstance(model, DualModel):
        return parameters @ model.feature_map(point)
    return _function(model, parameters)(point[None])[0]


def readout(model: Model, outputs: Float[Array, "*t u"]) -> Float[Array, "*t _"]:
    """The predictions as the model reads them: (a; b) -> a / b where it is projective."""
    return projective_readout(outputs) if model.projective else outputs


def _function(model: FunctionalDual, parameters: Parameters) -> KernelExpansion:
    start = model.initial_function
    return KernelExpansion(jnp.concatenate([start.centres, model.inputs]), parameters, start.kernel)


def similarities(model: Model, point: Float[Array, " d"]) -> tuple[Float[Array, " n"], Float[Array, "n n"]]:
    """The kernel between the training inputs and a test point, and their Gram matrix."""
    kernel = kernel_of_model(model)
    return gram(kernel, point[None], model.inputs)[0], gram(kernel, model.inputs, model.inputs)
