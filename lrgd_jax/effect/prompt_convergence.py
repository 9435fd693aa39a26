"""Convergence effects on a decoder: what each demonstration does for descent on the prompt's hidden states.

The decoder is read as for `ridge_influence`: from the hidden state of a token to the token that comes next. There the
solution of that regression is taken apart, here the descent that leads to it.
"""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from lrgd_jax.effect.convergence import convergence_gains, one_step_gains
from lrgd_jax.effect.prompt_activations import PromptActivations, record_activations
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.effect.ridge import Examples, examples_of, regression_layer
from lrgd_jax.effect.scores import Scores

__all__ = ["prompt_convergence_gains", "prompt_one_step_gains"]


def prompt_one_step_gains(loss: PromptLoss, *, layer: int | None = None, ridge: float = 1.0) -> Scores:
    r"""By how much lower the squared error at the target is after one step with each demonstration than without it.

    The step starts from zero, at the rate $1/(\mu_{\max}+\lambda)$ of the regression on all demonstrations; a
    demonstration's contribution is the sum of its tokens', and the errors are averaged over the target's tokens.

    Args:
        loss: of a prompt.
        layer: before which the hidden states are taken, from 0; the middle one unless given.
        ridge: lambda, which only sets the rate.

    Raises:
        ValueError: there is no such layer, or the ridge is not positive.

    Source: the claim `one-step-gain`.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, prompt_one_step_gains
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> prompt_one_step_gains(prompt.loss(params, config)).method
        'one-step gain, layer 1'
    """
    layer = regression_layer(loss, layer, ridge)
    activations: PromptActivations = record_activations(loss)
    values = _one_step_gains(loss, activations.hidden[layer], ridge)
    return Scores(np.asarray(values, np.float64), f"one-step gain, layer {layer}", 1.0)


def prompt_convergence_gains(
    loss: PromptLoss, *, steps: int | None = None, layer: int | None = None, ridge: float = 1.0
) -> Scores:
    r"""By how much each demonstration accelerates the descent on all of them, whatever the target.

    Contraction factors from the kernel matrix of the hidden states, at the rate $1/(\mu_{\max}+\lambda)$ of the
    regression on all demonstrations, as many steps as the decoder has layers.

    Args:
        loss: of a prompt.
        steps: T; the number of layers unless given.
        layer: before which the hidden states are taken, from 0; the middle one unless given.
        ridge: lambda.

    Raises:
        ValueError: there is no such layer, the ridge is not positive, or there is no step.

    Source: the claim `convergence-from-the-spectrum`; see `convergence_gains`.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, prompt_convergence_gains
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> prompt_convergence_gains(prompt.loss(params, config)).method
        'convergence gain in 2 steps, layer 1'
    """
    layer = regression_layer(loss, layer, ridge)
    steps = loss.config.layers if steps is None else steps
    activations: PromptActivations = record_activations(loss)
    values = _convergence_gains(loss, activations.hidden[layer], ridge, steps)
    return Scores(np.asarray(values, np.float64), f"convergence gain in {steps} steps, layer {layer}", 1.0)


@partial(jax.jit, static_argnums=2)
def _one_step_gains(loss: PromptLoss, hidden: Float[Array, "n m"], ridge: float) -> Float[Array, " N"]:
    examples, rate = _examples_and_rate(loss, hidden, ridge)
    wanted = loss.tokens[loss.places]
    dtype = examples.tests.dtype
    # one coordinate a label that occurs
    every = jnp.concatenate([examples.labels, wanted])
    values, targets = (_one_hot(labels, every, dtype) for labels in (examples.labels, wanted))

    def gains(test: Float[Array, " m"], target: Float[Array, " o"]) -> Float[Array, " N"]:
        parts = examples.groups @ (rate * (examples.states @ test)[:, None] * values)
        return one_step_gains(parts, target, 0 * target)

    return loss.shares @ jax.vmap(gains)(examples.tests, targets)


@partial(jax.jit, static_argnums=(2, 3))
def _convergence_gains(loss: PromptLoss, hidden: Float[Array, "n m"], ridge: float, steps: int) -> Float[Array, " N"]:
    examples, rate = _examples_and_rate(loss, hidden, ridge)
    learnt = jnp.sum(examples.groups, axis=0)[:, None]
    residuals = learnt * _one_hot(examples.labels, examples.labels, learnt.dtype)
    kernel_matrix = examples.states @ examples.states.T
    return convergence_gains(kernel_matrix, residuals, examples.groups, steps=steps, learning_rate=rate, ridge=ridge)


def _examples_and_rate(
    loss: PromptLoss, hidden: Float[Array, "n m"], ridge: float
) -> tuple[Examples, Float[Array, ""]]:
    examples = examples_of(loss, hidden)
    largest = jnp.linalg.norm(examples.states, ord=2) ** 2
    return examples, 1 / (largest + ridge)


def _one_hot(labels: Int[Array, " k"], every: Int[Array, " l"], dtype: DTypeLike) -> Float[Array, "k l"]:
    """Each label as the unit vector of its first occurrence among all."""
    return jax.nn.one_hot(jnp.argmax(labels[:, None] == every[None, :], axis=1), every.shape[0], dtype=dtype)
