"""The duals of attention forms of one head: for each query a model, its training set and its test point."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.forms import AttentionForm
from lrgd_jax.dual.base import Dual
from lrgd_jax.dual.token_roles import Segments, TokenRoles, segments_of, token_roles
from lrgd_jax.precision import narrow, widen

__all__ = ["HeadDual", "OrderedHeadDual"]

Form = TypeVar("Form", bound=AttentionForm)
Model = TypeVar("Model", bound=Dual[Any])
"""Any: the types of a model and of its weights belong together, which Python cannot say of two type variables."""
Weights = TypeVar("Weights")


@dataclass(frozen=True)
class HeadDual(ABC, Generic[Form, Model, Weights]):
    """The dual of an attention form of one head: a dual model for each query.

    Attributes:
        form: the attention.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax import LinearAttention, dual_of
        >>> dual = dual_of(LinearAttention())
        >>> isinstance(dual, HeadDual)
        True
        >>> keys, values = jnp.ones((3, 1)), jnp.array([[1.0], [2.0], [4.0]])
        >>> dual(keys[:1], keys, values, demonstrations=2).tolist()  # what the attention returns
        [[7.0]]
        >>> dual.zero_shot(keys[:1], keys, values, demonstrations=2).tolist()  # what the last token alone says
        [[4.0]]
    """

    form: Form

    @abstractmethod
    def build(self, inputs: Float[Array, "n _"], values: Float[Array, "n dv"], role: TokenRoles) -> Model:
        """The model of one query: W_0 from its context, the demonstrations as training set."""

    def inputs(self, x: Float[Array, "n d"], first: int = 0) -> Float[Array, "n _"]:
        """Keys or queries, the first at position `first`, as training inputs or test points: the rows themselves."""
        return x

    def initial(self, model: Model) -> Weights:
        """W_0 or f_0 of a model: what predicts before the step."""
        return model.train_zero_shot()

    def predict(
        self, model: Model, trained: Weights, role: TokenRoles, point: Float[Array, " _"]
    ) -> Float[Array, " dv"]:
        """The output of a trained (or initial) model at one test point of its query."""
        return model.predict(trained, point[None])[0]

    def check(self, mask: Bool[Array, "t n"] | None) -> None:
        """Raises ValueError where a mask hides every key from a query whose output is a mean."""

    def recency(self, queries: int, keys: int, dtype: jnp.dtype) -> Float[Array, "t n"] | None:
        """How much of each token's step is left at each query, by its age; None where all of it is."""
        return None

    def model(self, keys: Float[Array, "n d"], values: Float[Array, "n dv"], *, demonstrations: Segments) -> Model:
        """The dual model that a query at the last token meets.

        `model.train()` takes the step; `model.predict(trained, dual.inputs(query, n - 1))` is the test output.
        """
        k, v = widen(keys, values)
        role = self._roles(1, k.shape[0], demonstrations, None, v.dtype)
        return self.build(self.inputs(k), v, TokenRoles(*(x[0] for x in role)))

    def __call__(
        self,
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | None = None,
    ) -> Float[Array, "t dv"]:
        """The test output of every query after the step: what the attention returns.

        Args:
            queries: the last t tokens where the form is causal.
            keys: demonstrations, then the query's own tokens.
            values: likewise.
            demonstrations: how many of the tokens are demonstrations, or one segment number a token.
            mask: which keys each query sees, in place of the form's own mask.

        Raises:
            ValueError: the mask hides every key from a query whose output is a mean.
        """
        self.check(mask)
        return self._each(lambda model: model.train(), queries, keys, values, demonstrations, mask)

    def zero_shot(
        self,
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | None = None,
    ) -> Float[Array, "t dv"]:
        """The test output of every query before the step; not a number where a ratio has no context yet."""
        return self._each(self.initial, queries, keys, values, demonstrations, mask)

    def _each(
        self,
        weights_of: Callable[[Model], Weights],
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        demonstrations: Segments,
        mask: Bool[Array, "t n"] | None,
    ) -> Float[Array, "t dv"]:
        t, n = queries.shape[0], keys.shape[0]
        q, k, v = widen(queries, keys, values)
        inputs = self.inputs(k)

        def one(point: Float[Array, " _"], role: TokenRoles) -> Float[Array, " dv"]:
            model = self.build(inputs, v, role)
            return self.predict(model, weights_of(model), role, point)

        role = self._roles(t, n, demonstrations, mask, v.dtype)
        return narrow(jax.vmap(one)(self.inputs(q, n - t), role), queries, keys, values)

    def _roles(
        self, queries: int, keys: int, demonstrations: Segments, mask: Bool[Array, "t n"] | None, dtype: jnp.dtype
    ) -> TokenRoles:
        seen = self.form.mask(queries, keys) if mask is None else mask
        plain = token_roles(seen, segments_of(keys, demonstrations), ordered=self.form.is_causal, dtype=dtype)
        recency = self.recency(queries, keys, dtype)
        if recency is None:
            return plain
        return TokenRoles(*(jnp.where(weights > 0, recency, weights) for weights in plain))


class OrderedHeadDual(HeadDual[Form, Model, Weights]):
    """A dual that can also be trained online, one token after another, in one pass for all queries.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax import LinearAttention, dual_of
        >>> ones, values = jnp.ones((3, 1)), jnp.array([[1.0], [2.0], [4.0]])
        >>> dual_of(LinearAttention(causal=True)).online(ones, ones, values).ravel().tolist()
        [1.0, 3.0, 7.0]
    """

    @abstractmethod
    def online(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The test output at every token of the dual trained online up to it.

        Raises:
            ValueError: the form is not causal: without an order there is nothing to train online.
        """

    def _require_order(self) -> None:
        if not self.form.is_causal:
            raise ValueError("online training needs an order of the tokens: set causal=True on the form")
