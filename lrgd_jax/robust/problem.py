"""An output that may be perturbed: a query, keys and values, and the attention form or dual that maps them to it."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention import AttentionForm, LinearAttention, SoftmaxAttention
from lrgd_jax.dual import DualModel, FunctionalDual, TokenRoles, dual_of, projective_targets
from lrgd_jax.kernels import ExponentialKernel
from lrgd_jax.positions import alibi_bias
from lrgd_jax.robust.training import Model, data_of, initial_parameters, raw_output, readout, similarities

__all__ = ["Problem", "Subject", "problem_of"]

Subject: TypeAlias = Model | AttentionForm
"""What maps a query, keys and values to an output."""


@dataclass(frozen=True)
class Problem:
    r"""An output $o(q, K, V)$ with the arguments at which it is perturbed.

    Attributes:
        subject: an attention form, or a dual model (whose own training set is replaced by `keys` and `values`).
        query: q, shape [d]; where the form is causal it stands at the last token.
        keys: shape [n, d].
        values: shape [n, dv]; a projective dual's targets are [v; 1].

    Raises:
        ValueError: the subject is of another kind, or there is not one value a key.
    """

    subject: Subject
    query: Float[Array, " d"]
    keys: Float[Array, "n d"]
    values: Float[Array, "n dv"]

    def __post_init__(self) -> None:
        kinds = DualModel | FunctionalDual | LinearAttention | SoftmaxAttention
        if not isinstance(self.subject, kinds):
            raise ValueError(
                f"Problem: the subject must be an attention form or a dual model, got {type(self.subject).__name__}; "
                "for another attention give the dual of one head"
            )
        if self.keys.shape[0] != self.values.shape[0]:
            raise ValueError(
                f"Problem: every key needs one value, got {self.keys.shape[0]} keys and {self.values.shape[0]} values"
            )

    def output(self) -> Float[Array, " dv"]:
        """The output: of the attention, or of the dual after one step by `jax.grad`."""
        if not isinstance(self.subject, DualModel | FunctionalDual):
            return self.subject(self.query[None], self.keys, self.values)[0]
        model = self.model()
        return model.predict(model.train(), self.query[None])[0]  # pyright: ignore[reportArgumentType]

    def model(self) -> Model:
        """The dual model; of a form, the one that has every visible token as demonstration and starts from zero."""
        if isinstance(self.subject, DualModel | FunctionalDual):
            targets = projective_targets(self.values) if self.subject.projective else self.values
            return replace(self.subject, inputs=self.keys, targets=targets)
        dual = dual_of(self.subject)
        counted = self._counted()
        model = dual.build(dual.inputs(self.keys), self.values, TokenRoles(jnp.zeros_like(counted), counted))
        if isinstance(model, FunctionalDual):
            return replace(model, initial_function=replace(model.initial_function, kernel=self._shifted(model)))
        return model

    def point(self) -> Float[Array, " _"]:
        """The test point of the dual: the query, rotated where the form has rotary positions."""
        if isinstance(self.subject, DualModel | FunctionalDual):
            return self.query
        return dual_of(self.subject).inputs(self.query[None], self.keys.shape[0] - 1)[0]

    def closed_form(self) -> Float[Array, " dv"]:
        r"""The output as a kernel sum, $f_0(q) + \sum_i s_i\,y_i\,\kappa(k_i, q)$, read as a ratio if projective.

        Raises:
            ValueError: the dual descends another objective than `alignment`, for which this is not its step.
        """
        model = self.model()
        if model.objective is not None:
            raise ValueError(
                "Problem: the closed form is that of the alignment objective; build the dual without an objective, "
                "or use lrgd_jax.robust.regularisers for the squared error"
            )
        near, _ = similarities(model, self.point())
        _, targets, weights = data_of(model)
        start = raw_output(model, initial_parameters(model), self.point())
        return readout(model, start + (weights * near) @ targets)

    def shares(self) -> Float[Array, " n"]:
        r"""How much each value counts, $\partial o/\partial v_i = a_i I$: the attention weights."""
        model = self.model()
        near, _ = similarities(model, self.point())
        weights = data_of(model)[2] * near
        if not model.projective:
            return weights
        start = raw_output(model, initial_parameters(model), self.point())
        return weights / (start[-1] + jnp.sum(weights))

    def moved(
        self,
        query: Float[Array, " d"] | None = None,
        keys: Float[Array, "n d"] | None = None,
        values: Float[Array, "n dv"] | None = None,
    ) -> "Problem":
        """The problem with changes added to its query, keys or values."""
        return Problem(
            self.subject,
            self.query if query is None else self.query + query,
            self.keys if keys is None else self.keys + keys,
            self.values if values is None else self.values + values,
        )

    def _counted(self) -> Float[Array, " n"]:
        """The weight with which each token is seen from the query."""
        n, form = self.keys.shape[0], self.subject
        seen = form.mask(1, n)[0].astype(self.values.dtype)  # pyright: ignore[reportAttributeAccessIssue]
        if isinstance(form, SoftmaxAttention) and form.alibi_slope is not None:
            seen = seen * jnp.exp(alibi_bias(1, n, form.alibi_slope, seen.dtype)[0])
        return seen

    def _shifted(self, model: FunctionalDual) -> ExponentialKernel:
        """The kernel, shifted so that no value overflows; a ratio does not see it."""
        kernel = model.initial_function.kernel
        if not isinstance(kernel, ExponentialKernel):
            raise ValueError("Problem: the dual of softmax attention has an exponential kernel")
        exponents = jax.vmap(lambda x: kernel.exponent(x, self.point()))(model.inputs)
        return replace(kernel, shift=jax.lax.stop_gradient(jnp.max(exponents)))


def problem_of(model: Model, query: Float[Array, " d"]) -> Problem:
    """The problem of a dual model with its own training set, at a test point.

    Args:
        model: a `DualModel` or a `FunctionalDual`.
        query: the test point.
    """
    values = model.targets[:, :-1] if model.projective else model.targets
    return Problem(model, query, model.inputs, values)
