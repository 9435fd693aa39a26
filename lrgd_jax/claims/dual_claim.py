"""The claim that a layer of somebody's own is a form of attention, and so takes the step of that form's dual."""

import contextlib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from jaxtyping import Array, Float

from lrgd_jax.attention import AttentionForm, MultiHeadAttention
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.side import Side
from lrgd_jax.dual import dual_of

__all__ = ["dual_claim"]

Layer: TypeAlias = Callable[..., Float[Array, "n _"]]
"""A layer of one head, of (queries, keys, values), or of several heads, of tokens."""


def dual_claim(
    layer: Layer,
    attention: AttentionForm | MultiHeadAttention,
    *,
    name: str | None = None,
    n: tuple[int, int] = (1, 5),
    d: tuple[int, int] = (1, 3),
    dv: tuple[int, int] = (1, 2),
) -> Claim:
    r"""A claim that a layer returns what the dual of a form predicts, all tokens but the last being demonstrations.

    $$\text{layer}(q, k, v)_t = f_{W_1}(q_t),\qquad W_1 = W_0 - \eta\nabla L(W_0).$$

    Its mutants are the dual before the step, the dual that steps uphill, and the one that takes the step twice.

    Args:
        layer: your own, of queries, keys and values [n, width] where `attention` is a form of one head; of tokens
            [n, m] where it has several.
        attention: what the layer is said to be, with a dual that `dual_of` knows: a form, or `MultiHeadAttention` with
            the layer's weights.
        name: of the claim; the layer's own unless given.
        n: the smallest and the largest number of tokens.
        d: likewise of the width of a key, where there is one head.
        dv: likewise of the width of a value, where there is one head.

    Raises:
        TypeError: there is no dual for this kind of attention.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.attention import LinearAttention
        >>> from lrgd_jax.claims import check_claim
        >>> def by_running_sums(queries, keys, values):
        ...     states = jnp.cumsum(keys[:, :, None] * values[:, None, :], axis=0)
        ...     return jnp.einsum("nd,ndv->nv", queries, states)
        >>> claim = dual_claim(by_running_sums, LinearAttention(causal=True))
        >>> claim.slug, check_claim(claim, dtype="float32").holds
        ('by-running-sums', True)
        >>> claim.title
        'by_running_sums is one step of the dual of LinearAttention'
    """
    called = name or getattr(layer, "__name__", type(layer).__name__)
    sizes = {"n": n, "d": d, "dv": dv}
    arguments = {"queries": "n d", "keys": "n d", "values": "n dv"}
    if isinstance(attention, MultiHeadAttention):
        sizes, arguments = {"n": n}, {"tokens": f"n {attention.weights.query.shape[1]}"}
    largest = {axis: size for axis, (_, size) in sizes.items()}
    trained, untrained = _predictions(attention, tuple(arguments))
    what = _described(attention)
    return Claim(
        slug=re.sub(r"[^a-z0-9]+", "-", called.lower()).strip("-") or "layer",
        title=f"{called} is one step of the dual of {what}",
        statement=f"The outputs of {called} are the predictions of the dual of {what} after its step, where all tokens "
        "but the last are demonstrations.",
        proof=f"{called} is claimed to compute {what}, and `dual_of` gives what that equals; the checks decide.",
        source="the layer's own definition",
        arguments=arguments,
        dimensions=sizes,
        shapes=(largest, {**largest, "n": max(n[0], 2)}),
        left=_of(tuple(arguments), layer),
        right=trained,
        mutants=(
            Mutant("the demonstrations are forgotten", untrained),
            Mutant("the step goes uphill", _of(tuple(arguments), lambda *x: 2 * untrained(*x) - trained(*x))),
            Mutant("the step is taken twice", _of(tuple(arguments), lambda *x: 2 * trained(*x) - untrained(*x))),
        ),
    )


def _predictions(attention: AttentionForm | MultiHeadAttention, names: tuple[str, ...]) -> tuple[Side, Side]:
    """What the dual of an attention predicts after the step and before."""
    dual = dual_of(attention)
    return (
        _of(names, lambda *tokens: dual(*tokens, demonstrations=tokens[0].shape[0] - 1)),
        _of(names, lambda *tokens: dual.zero_shot(*tokens, demonstrations=tokens[0].shape[0] - 1)),
    )


def _described(attention: AttentionForm | MultiHeadAttention) -> str:
    """Its kind, without weights."""
    if not isinstance(attention, MultiHeadAttention):
        return type(attention).__name__
    forms = dict.fromkeys(type(form).__name__ for form in attention.forms())
    return f"{attention.weights.heads} heads of {' and '.join(forms)}"


def _of(names: tuple[str, ...], function: Layer) -> Side:
    """A function of positional arguments as a side of a claim, which is called by their names."""
    given: Mapping[str, inspect.Parameter] = {}
    # some functions that are written in C tell nobody their arguments
    with contextlib.suppress(ValueError):
        given = inspect.signature(function).parameters
    if tuple(given) == names and all(p.kind is p.POSITIONAL_OR_KEYWORD for p in given.values()):
        return function
    if len(names) == 1:
        return lambda tokens: function(tokens)
    return lambda queries, keys, values: function(queries, keys, values)
