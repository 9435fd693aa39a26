r"""What a score costs: multiplications, in units of one forward pass of the same prompt.

With W multiplications by weights and A among queries, keys and values, a forward pass is $W + A$. A gradient in the
gates needs none in the weights: the backward pass repeats W once and A twice, so that loss and gradient together are
$2W + 3A$, between two and three forward passes. Times are another matter: `benchmarks/fidelity.py --costs` prints both.
"""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false

import jax
import numpy as np

from lrgd_jax.effect.contrast import ContrastLoss
from lrgd_jax.effect.losses import GatedLoss
from lrgd_jax.effect.prompt_loss import PromptLoss

__all__ = ["GRADIENT", "gradient_cost", "multiplications"]

GRADIENT = 3.0
"""At most so many forward passes make a loss with its gradient: each product in it is differentiated in two factors.

Source: Griewank & Walther 2008, "Evaluating Derivatives", section 4.6.
"""


def multiplications(loss: PromptLoss, tokens: int | None = None) -> tuple[float, float]:
    """Those by weights and those of attention, in one forward pass.

    Args:
        loss: of a prompt.
        tokens: how many are read; as many as the prompt has, padding included, unless given.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, multiplications
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> multiplications(loss)
        (16064.0, 7744.0)
    """
    config = loss.config
    n = loss.tokens.shape[0] if tokens is None else tokens
    layers = sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(loss.params.layers))
    logits = loss.places.shape[0] * config.vocab_size * config.width
    return float(n * layers + logits), float(2 * config.layers * config.heads * config.head_width * n * n)


def mean_cost(loss: ContrastLoss, target: float, against: float) -> float:
    """Of both answers in forward passes of both, from those of each in its own.

    Args:
        loss: of one answer against another.
        target: in forward passes of the prompt with the answer.
        against: in forward passes of the prompt with the other one.
    """
    one, other = (sum(multiplications(answer)) for answer in (loss.target, loss.against))
    return (target * one + against * other) / (one + other)


def gradient_cost(loss: GatedLoss) -> float:
    """Of the loss together with its gradient, in forward passes; `GRADIENT` where no more is known of the loss.

    Args:
        loss: a function of the rates.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, gradient_cost
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> 2 < gradient_cost(loss) < 3
        True
    """
    if isinstance(loss, ContrastLoss):
        return mean_cost(loss, gradient_cost(loss.target), gradient_cost(loss.against))
    if not isinstance(loss, PromptLoss):
        return GRADIENT
    weights, attention = multiplications(loss)
    # gates read the query's own segment once more
    products = attention * (1.5 if loss.control == "contributions" else 1.0)
    return (2 * weights + 3 * products) / (weights + attention)
