r"""Influence of demonstrations by a ridge regression on hidden states, in the style of DETAIL.

The decoder is read as if it fitted a ridge regression in context: from the hidden state of a token to the token that
comes next. The regression has a closed form, and so has the influence of each of its examples on the test loss.
"""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrgd_jax.effect.prompt_activations import PromptActivations, record_activations
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.effect.scores import Scores

__all__ = ["influences", "ridge_influence"]


def influences(
    states: Float[Array, "n m"],
    labels: Int[Array, " n"],
    tests: Float[Array, "a m"],
    test_labels: Int[Array, " a"],
    ridge: float = 1.0,
) -> Float[Array, "a n"]:
    r"""How much the test loss falls for each unit by which an example's weight grows.

    $$W = \operatorname*{argmin}_W \tfrac12\sum_i s_i\|y_i - W x_i\|^2 + \tfrac\lambda2\|W\|^2,\qquad
    -\frac{\partial}{\partial s_i}\tfrac12\|y - W x\|^2\Big|_{s=1} =
    \langle y - Wx,\; y_i - Wx_i\rangle\; x^\top(X^\top X + \lambda I)^{-1}x_i$$

    with one-hot targets y, which are never written out: only which labels are equal counts.

    Args:
        states: x_i of the examples.
        labels: of the examples.
        tests: x of the test examples.
        test_labels: of the test examples.
        ridge: lambda.
    """
    same = (labels[:, None] == labels[None, :]).astype(states.dtype)
    same_as_test = (test_labels[:, None] == labels[None, :]).astype(states.dtype)
    gram, cross = states @ states.T, tests @ states.T
    inverse: Float[Array, "n n"] = jnp.linalg.inv(gram + ridge * jnp.eye(len(labels), dtype=gram.dtype))
    # residuals of the examples are ridge * inverse @ Y, predictions at the tests cross @ inverse @ Y
    reached = cross @ inverse
    residuals = ridge * (same_as_test - reached @ same) @ inverse
    return residuals * reached


def ridge_influence(loss: PromptLoss, *, layer: int | None = None, ridge: float = 1.0) -> Scores:
    r"""The influence of each demonstration on the query's target, summed over the demonstration's tokens.

    In the style of Zhou et al. 2024 only. As there, transformers are read as a kernel ridge regression on their hidden
    states, with lambda = 1 and the influence function in closed form. Otherwise than there, every token of a
    demonstration is an example whose label is the next token, since a demonstration need not have one label token;
    hidden states are scaled to unit length in place of a random projection; they are those before the middle layer
    unless said otherwise; and the influence of an example's weight leaves out the ridge's own gradient.

    Args:
        loss: of a prompt.
        layer: before which the hidden states are taken, from 0; the middle one unless given.
        ridge: lambda.

    Raises:
        ValueError: there is no such layer, or the ridge is not positive.

    Source: Zhou et al. 2024, "DETAIL: Task DEmonsTration Attribution for Interpretable In-context Learning", arXiv
    2405.14899, section 4.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, ridge_influence
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> ridge_influence(loss).method
        'ridge influence, layer 1'
    """
    layer = regression_layer(loss, layer, ridge)
    activations: PromptActivations = record_activations(loss)
    by_token = np.asarray(_by_token(loss, activations.hidden[layer], ridge), np.float64)
    sums = np.bincount(np.asarray(loss.segments), weights=by_token)
    values = sums[loss.always_seen :][: loss.demonstrations]
    return Scores(values, f"ridge influence, layer {layer}", 1.0)


def regression_layer(loss: PromptLoss, layer: int | None, ridge: float) -> int:
    """The layer before which hidden states are taken, the middle one unless given.

    Args:
        loss: of a prompt.
        layer: from 0.
        ridge: lambda of the regression.

    Raises:
        ValueError: there is no such layer, or the ridge is not positive.
    """
    layer = loss.config.layers // 2 if layer is None else layer
    if not 0 <= layer < loss.config.layers or not ridge > 0:
        raise ValueError(
            f"layer must be 0 to {loss.config.layers - 1} and ridge positive, got layer={layer}, ridge={ridge}"
        )
    return layer


class Examples(NamedTuple):
    """What a regression on the hidden states of a prompt learns from, and where it is tested.

    Attributes:
        states: of the tokens, scaled to unit length; zero for tokens that are no examples, such as the query's.
        labels: the token that comes next.
        groups: one where a token is an example of a demonstration, else zero.
        tests: states before the tokens of the target.
    """

    states: Float[Array, "n m"]
    labels: Int[Array, " n"]
    groups: Float[Array, "N n"]
    tests: Float[Array, "a m"]


def examples_of(loss: PromptLoss, hidden: Float[Array, "n m"]) -> Examples:
    """Each token of a demonstration with its next one, the last of each left out.

    Args:
        loss: of a prompt.
        hidden: states of its tokens.
    """
    segments = loss.segments - loss.always_seen
    same = jnp.append(segments[:-1] == segments[1:], jnp.zeros((), bool))
    groups = same[None, :] & (segments[None, :] == jnp.arange(loss.demonstrations)[:, None])
    states: Float[Array, "n m"] = hidden / jnp.linalg.norm(hidden, axis=1, keepdims=True)
    kept = jnp.where(jnp.any(groups, axis=0)[:, None], states, 0 * states)
    return Examples(kept, jnp.roll(loss.tokens, -1), groups.astype(states.dtype), states[loss.places - 1])


@partial(jax.jit, static_argnums=2)
def _by_token(loss: PromptLoss, hidden: Float[Array, "n m"], ridge: float) -> Float[Array, " n"]:
    """The influence of each token with its next one; the others stay as examples at zero, which have none."""
    examples = examples_of(loss, hidden)
    asked = examples.tests, loss.tokens[loss.places]
    return loss.shares @ influences(examples.states, examples.labels, *asked, ridge)
