"""An output that may be perturbed: a query, keys and values, and the attention form or dual that maps them to it."""

from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Protocol, TypeAlias, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention import LinearAttention, SoftmaxAttention
from lrgd_jax.dual import LinearDual, OneStepDual, SoftmaxDual, TokenRoles, dual_of, projective_targets
from lrgd_jax.dual.base import OneStepModel

__all__ = ["Problem", "Subject", "problem_of"]

Subject: TypeAlias = OneStepModel | LinearAttention | SoftmaxAttention
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

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax import LinearAttention
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = Problem(LinearAttention(), jnp.array([1.0, 2.0]), keys, values)
        >>> problem.output().tolist(), problem.closed_form().tolist(), problem.shares().tolist()
        ([18.0], [18.0], [1.0, 3.0])
        >>> problem.moved(query=jnp.array([1.0, 0.0])).output().tolist()
        [26.0]
    """

    subject: Subject
    query: Float[Array, " d"]
    keys: Float[Array, "n d"]
    values: Float[Array, "n dv"]

    def __post_init__(self) -> None:
        _view(self.subject)
        if self.keys.shape[0] != self.values.shape[0]:
            raise ValueError(
                f"Problem: every key needs one value, got {self.keys.shape[0]} keys and {self.values.shape[0]} values"
            )

    def output(self) -> Float[Array, " dv"]:
        """The output: of the attention, or of the dual after one step by `jax.grad`."""
        return _view(self.subject).output(self)

    def model(self) -> OneStepModel:
        """The dual model; of a form, the one that has every visible token as demonstration and starts from zero."""
        return _view(self.subject).model(self)

    def point(self) -> Float[Array, " _"]:
        """The test point of the dual: the query, rotated where the form has rotary positions."""
        return _view(self.subject).point(self)

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
        near = model.similarities(self.point())
        _, targets, weights = model.data
        start = model.raw_output(model.initial_coordinates, self.point())
        return model.readout(start + (weights * near) @ targets)

    def shares(self) -> Float[Array, " n"]:
        r"""How much each value counts, $\partial o/\partial v_i = a_i I$: the attention weights."""
        model = self.model()
        weights = model.data.sample_weights * model.similarities(self.point())
        if not model.projective:
            return weights
        start = model.raw_output(model.initial_coordinates, self.point())
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


@runtime_checkable
class _View(Protocol):
    """How a kind of subject maps the arguments of a problem to an output."""

    def output(self, problem: Problem) -> Float[Array, " dv"]: ...

    def model(self, problem: Problem) -> OneStepModel: ...

    def point(self, problem: Problem) -> Float[Array, " _"]: ...


@dataclass(frozen=True)
class _ModelView:
    """A dual model, whose training set is replaced by the problem's keys and values."""

    subject: OneStepModel

    def output(self, problem: Problem) -> Float[Array, " dv"]:
        model = self.model(problem)
        return model.predict(model.train(), problem.query[None])[0]

    def model(self, problem: Problem) -> OneStepModel:
        targets = projective_targets(problem.values) if self.subject.projective else problem.values
        return self.subject.replace(inputs=problem.keys, targets=targets)

    def point(self, problem: Problem) -> Float[Array, " d"]:
        return problem.query


@dataclass(frozen=True)
class _FormView:
    """An attention form, through its dual."""

    dual: LinearDual | SoftmaxDual

    def output(self, problem: Problem) -> Float[Array, " dv"]:
        return self.dual.form(problem.query[None], problem.keys, problem.values)[0]

    def model(self, problem: Problem) -> OneStepModel:
        counted = self._visibility(problem)
        role = TokenRoles(jnp.zeros_like(counted), counted)
        model: OneStepDual[Any] = self.dual.build(self.dual.inputs(problem.keys), problem.values, role)
        return model.in_range(self.point(problem))

    def point(self, problem: Problem) -> Float[Array, " _"]:
        return self.dual.inputs(problem.query[None], problem.keys.shape[0] - 1)[0]

    def _visibility(self, problem: Problem) -> Float[Array, " n"]:
        """The weight with which each token is seen from the query."""
        n, dtype = problem.keys.shape[0], problem.values.dtype
        seen, recency = self.dual.form.mask(1, n)[0].astype(dtype), self.dual.recency(1, n, dtype)
        return seen if recency is None else seen * recency[0]


@singledispatch
def _view(subject: Subject) -> _View:
    raise ValueError(
        f"Problem: the subject must be an attention form or a dual model, got {type(subject).__name__}; "
        "for another attention give the dual of one head"
    )


@_view.register(OneStepDual)
def _(subject: OneStepModel) -> _View:
    return _ModelView(subject)


@_view.register(LinearAttention)
def _(subject: LinearAttention) -> _View:
    return _FormView(dual_of(subject))


@_view.register(SoftmaxAttention)
def _(subject: SoftmaxAttention) -> _View:
    return _FormView(dual_of(subject))


def problem_of(model: OneStepModel, query: Float[Array, " d"]) -> Problem:
    """The problem of a dual model with its own training set, at a test point.

    Args:
        model: a `DualModel` or a `FunctionalDual`.
        query: the test point.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> problem.output().tolist()
        [18.0]
    """
    values = model.targets[:, :-1] if model.projective else model.targets
    return Problem(model, query, model.inputs, values)
