"""What people use today, on a whole decoder: attention sums, input gradients, sizes of contributions, TracIn.

Sums of attention and norms have no sign: they say how much a demonstration matters, not whether it helps.
"""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lrgd_jax.decoder.attention import Heads, attend_causally
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.forward import embed, norm_states, run_layers
from lrgd_jax.effect.cost import gradient_cost
from lrgd_jax.effect.evaluation import gradients_at
from lrgd_jax.effect.prompt_activations import PromptActivations, record_activations
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.effect.scores import Scores

__all__ = ["attention_sums", "contribution_sums", "gradient_times_input", "input_gradient_norms", "prompt_alignment"]


class InputGradients(NamedTuple):
    """The embedded tokens of a prompt, and the gradient of the ordinary loss in them.

    Attributes:
        rows: shape [n, m].
        gradients: likewise.
    """

    rows: Float[Array, "n m"]
    gradients: Float[Array, "n m"]


def attention_sums(loss: PromptLoss) -> Scores:
    r"""$\frac1{Lh}\sum_{\ell,h}\sum_{j\in i} a^{\ell h}_{tj}$: the attention that each demonstration gets.

    The mean over the tokens t that predict the target, over layers and heads. At most one in sum.

    Args:
        loss: of a prompt.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import attention_sums, few_shot
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> scores = attention_sums(loss)
        >>> scores.values.shape, bool(scores.values.sum() < 1)
        ((2,), True)
    """
    activations: PromptActivations = record_activations(loss)
    return Scores(_mean(activations.attention), "attention", 1.0)


def contribution_sums(loss: PromptLoss) -> Scores:
    r"""$\sum_{\ell,h}\|W_O^{\ell h\top} C_i^{\ell h}\|$: how much each demonstration moves the residual stream.

    With $C_i = \sum_{j\in i} a_j (v_j - o^0)$, where $o^0$ is the head's output from the zero-shot prompt alone; the
    mean over the tokens that predict the target.

    Args:
        loss: of a prompt.

    Source: norms in place of weights: Kobayashi et al. 2020, arXiv 2004.10102, section 3.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import contribution_sums, few_shot
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> contribution_sums(loss).parts.shape  # by layer and head
        (2, 4, 2)
    """
    activations: PromptActivations = record_activations(loss)
    parts = np.asarray(activations.contributions, np.float64)
    return Scores(parts.sum(axis=(0, 1)), "contribution norm", 1.0, parts=parts)


def input_gradient_norms(loss: PromptLoss) -> Scores:
    r"""$\sum_{j\in i}\|\partial\ell/\partial e_j\|$ over the embeddings e of a demonstration's tokens.

    Args:
        loss: of a prompt.

    Source: Simonyan et al. 2014, arXiv 1312.6034, section 3; summed over tokens.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, input_gradient_norms
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> bool((input_gradient_norms(loss).values > 0).all())
        True
    """
    inputs: InputGradients = _input_gradients(loss)
    return Scores(
        _by_demonstration(loss, jnp.linalg.norm(inputs.gradients, axis=1)), "input gradient", _plain_cost(loss)
    )


def gradient_times_input(loss: PromptLoss) -> Scores:
    r"""$-\sum_{j\in i}\langle\partial\ell/\partial e_j, e_j\rangle$: to first order what the embeddings' absence costs.

    Args:
        loss: of a prompt.

    Source: Shrikumar et al. 2017, arXiv 1605.01713, section 2.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, gradient_times_input
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> gradient_times_input(loss).values.shape
        (2,)
    """
    inputs: InputGradients = _input_gradients(loss)
    values = _by_demonstration(loss, -jnp.sum(inputs.rows * inputs.gradients, axis=1))
    return Scores(values, "gradient times input", _plain_cost(loss))


def prompt_alignment(loss: PromptLoss) -> Scores:
    r"""TracIn in a decoder: $-\partial\ell/\partial c_i$ at $c = 0$, the gain by the first bit of each contribution.

    In one dual model it is $\langle\nabla L_i(W_0), \nabla\ell(W_0)\rangle$ (`lrgd_jax.effect.gradient_alignment`); in
    a decoder the same derivative, through all layers.

    Args:
        loss: of a prompt's contribution gates.

    Source: Pruthi et al. 2020, arXiv 2002.08484, eq. 1.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, prompt_alignment
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config, control="contributions")
        >>> prompt_alignment(loss).method
        'gradient alignment'
    """
    at_zero = gradients_at(loss, np.zeros((1, loss.demonstrations)))
    return Scores(-at_zero.gradients[0], "gradient alignment", gradient_cost(loss))


@jax.jit
def _input_gradients(loss: PromptLoss) -> InputGradients:

    def attention(_: int, config: DecoderConfig, heads: Heads) -> tuple[Float[Array, "h n dv"], None]:
        return attend_causally(config, heads), None

    def of_rows(x: Float[Array, "n m"]) -> Float[Array, ""]:
        stream = run_layers(attention, loss.params, loss.config, x, jnp.arange(len(loss.tokens)))
        return loss.at_target(norm_states(loss.params, loss.config, stream.last))

    rows = embed(loss.params, loss.tokens)
    gradients: Float[Array, "n m"] = jax.grad(of_rows)(rows)
    return InputGradients(rows, gradients)


def _by_demonstration(loss: PromptLoss, of_token: Float[Array, " n"]) -> Float[np.ndarray, " N"]:
    """Sums over the tokens of each."""
    kept = np.asarray(loss.segments) - loss.always_seen
    sums = np.bincount(kept + loss.always_seen, weights=np.asarray(of_token, np.float64))
    return sums[loss.always_seen :][: loss.demonstrations]


def _mean(parts: Float[Array, "L h N"]) -> Float[np.ndarray, " N"]:
    return np.asarray(parts, np.float64).mean(axis=(0, 1))


def _plain_cost(loss: PromptLoss) -> float:
    """Of the ordinary loss with its gradient, where no gate is computed."""
    return gradient_cost(replace(loss, control="rates"))
