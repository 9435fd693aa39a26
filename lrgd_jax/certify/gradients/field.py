"""The vector field of an update: its Jacobian as a bilinear form, its line integral, under a metric."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lrgd_jax.certify.points.function_pairs import call_by_name, trace_call
from lrgd_jax.certify.tracing.program import Program, trace
from lrgd_jax.certify.tracing.shapes import Argument, Shapes

__all__ = ["LEFT", "RIGHT", "Field", "Metric", "Update"]

Update = Callable[..., Float[Array, "..."]]
"""A function of arrays, one of them the state, that returns an array of the state's shape."""

Metric = Callable[..., Float[Array, "..."]]
"""Of a tangent and of other arguments, by name: the metric applied to the tangent."""

Form = Callable[..., Float[Array, "..."]]
"""A function of the named arguments, and of two tangents."""

LEFT, RIGHT = "left_tangent", "right_tangent"
"""The names of the two directions in the identity that decides."""


@dataclass(frozen=True)
class Field:
    """What an update does to the state, as a vector field.

    Attributes:
        update: returns the new state, or its change.
        shapes: of its arguments.
        wrt: the name of the state.
        metric: applied to the field; None for the Euclidean one.
        step: `update` returns the new state S', and the field is S - S'.
    """

    update: Update
    shapes: Shapes
    wrt: str
    metric: Metric | None
    step: bool

    def check(self) -> None:
        """Raises ValueError where the update maps no state to one of its kind."""
        known = self.shapes.arguments
        if self.wrt not in known:
            raise ValueError(f"the state {self.wrt!r} has no shape; wrt names one of the arguments {', '.join(known)}")
        if taken := {LEFT, RIGHT} & set(known):
            raise ValueError(f"an argument is called {taken.pop()!r}, which names a direction here; rename it")
        if self._state.below is not None:
            raise ValueError(f"the state {self.wrt!r} holds integers, which have no gradient; drop its 'below'")
        if self._state.above is not None:
            raise ValueError(f"the state {self.wrt!r} is bounded; the criterion needs all of R^n, so drop its 'above'")
        if self.metric is not None and self.wrt in inspect.signature(self.metric).parameters:
            raise ValueError(
                f"the metric {self.metric_name} depends on the state {self.wrt!r}; expected a constant one"
            )
        expected = self.shapes.shape(self.wrt)
        structs = self._structs()
        with jax.enable_x64(True):
            call = call_by_name(self.update, self.name, structs)
            trace_call(self.update, call, self.name, structs)
            result = jax.eval_shape(call, structs)
        if not isinstance(result, jax.ShapeDtypeStruct) or result.shape != expected:
            returned = list(result.shape) if isinstance(result, jax.ShapeDtypeStruct) else jax.tree.structure(result)
            raise ValueError(
                f"{self.name} returns {returned}; expected an array of the shape of the state {self.wrt!r}, "
                f"{list(expected)}"
            )

    @property
    def name(self) -> str:
        """How messages call the update."""
        return _name(self.update, "update")

    @property
    def metric_name(self) -> str | None:
        """How messages call the metric; None where there is none."""
        return None if self.metric is None else _name(self.metric, "metric")

    @cached_property
    def with_tangents(self) -> Shapes:
        """The arguments, and two directions of the state."""
        return replace(self.shapes, arguments={**self.shapes.arguments, LEFT: self._state, RIGHT: self._state})

    def form(self, first: str, second: str) -> Form:
        """<u, DF(S) v> for the directions of those names."""

        def form(named: Mapping[str, Array]) -> Array:
            others = self._others(named)
            derivative = jax.jvp(lambda state: self(state, others), (named[self.wrt],), (named[second],))[1]
            return jnp.sum(named[first] * derivative)

        letters = {LEFT: "u", RIGHT: "v"}
        return _called_by_name(form, self.with_tangents, f"{letters[first]}' J {letters[second]}")

    def integral(self, weights: Sequence[float]) -> Form:
        """sum_j w_j <F(j S), S>."""

        def integral(named: Mapping[str, Array]) -> Array:
            state, others = named[self.wrt], self._others(named)
            pairings = (w * jnp.sum(self(node * state, others) * state) for node, w in enumerate(weights) if w)
            return sum(pairings, jnp.zeros((), state.dtype))

        return _called_by_name(integral, self.shapes, "loss")

    def gradient_of_integral(self, weights: Sequence[float]) -> Form:
        """The gradient of `integral` with respect to the state."""
        integral = self.integral(weights)

        def gradient(named: Mapping[str, Array]) -> Array:
            others = self._others(named)
            return jax.grad(lambda state: integral(**{self.wrt: state}, **others))(named[self.wrt])

        return _called_by_name(gradient, self.shapes, "gradient of the loss")

    def scaled(self, scale: int) -> Form:
        """The field times a whole number."""
        return _called_by_name(lambda named: scale * self(named[self.wrt], self._others(named)), self.shapes, self.name)

    def laws_of_metric(self) -> Iterator[tuple[str, Form, Form]]:
        """What a metric is, as pairs of functions that must be equal."""

        def law(left: Callable[..., Array], right: Callable[..., Array], names: tuple[str, str]) -> tuple[Form, Form]:
            sides = (
                _called_by_name(
                    lambda named, side=side: side(named[LEFT], named[RIGHT], self._others(named)),
                    self.with_tangents,
                    name,
                )
                for side, name in zip((left, right), names, strict=True)
            )
            first, second = sides
            return first, second

        lowered = self._lowered
        yield (
            "linear",
            *law(
                lambda u, v, o: lowered(u + v, o),
                lambda u, v, o: lowered(u, o) + lowered(v, o),
                ("M (u + v)", "M u + M v"),
            ),
        )
        yield (
            "symmetric",
            *law(
                lambda u, v, o: jnp.sum(u * lowered(v, o)),
                lambda u, v, o: jnp.sum(v * lowered(u, o)),
                ("u' M v", "v' M u"),
            ),
        )

    def metric_matrix(self, point: Mapping[str, Array]) -> np.ndarray:
        """M at these arguments, shape [size, size] for a state of `size` entries."""
        shape = self.shapes.shape(self.wrt)
        with jax.enable_x64(True):
            units = jnp.eye(math.prod(shape))
            columns = [self._lowered(jnp.reshape(unit, shape), self._others(point)) for unit in units]
        return np.stack([np.ravel(column) for column in columns], axis=1)

    def jacobian(self, point: Mapping[str, np.ndarray]) -> np.ndarray:
        """DF at these arguments, shape [size, size]."""
        with jax.enable_x64(True):
            named = {name: jnp.asarray(x) for name, x in point.items()}
            state, others = named[self.wrt], self._others(named)
            flat = jax.jacfwd(lambda x: jnp.ravel(self(jnp.reshape(x, state.shape), others)))
            return np.asarray(flat(jnp.ravel(state).astype(jnp.float64)))

    def of_state(self) -> Program:
        """The field as a program of the state alone, the other arguments being constants."""
        point = self.random_point(0)
        with jax.enable_x64(True):
            return trace(lambda state: self(state, self._others(point)), point[self.wrt])

    def random_point(self, seed: int) -> dict[str, Array]:
        """Normal numbers, uniform integers."""
        generator = np.random.default_rng(seed)
        with jax.enable_x64(True):
            return {name: jnp.asarray(self._draw(generator, name, x)) for name, x in self.shapes.arguments.items()}

    def __call__(self, state: Array, others: Mapping[str, Array]) -> Array:
        """F, or S - F(S) for a step, under the metric."""
        moved = self.update(**{self.wrt: state}, **others)
        return self._lowered(state - moved if self.step else moved, others)

    @property
    def _state(self) -> Argument:
        return self.shapes.arguments[self.wrt]

    def _lowered(self, tangent: Array, others: Mapping[str, Array]) -> Array:
        if self.metric is None:
            return tangent
        parameters = inspect.signature(self.metric).parameters
        return self.metric(tangent, **{name: x for name, x in others.items() if name in parameters})

    def _others(self, named: Mapping[str, Array]) -> dict[str, Array]:
        return {name: x for name, x in named.items() if name not in (self.wrt, LEFT, RIGHT)}

    def _structs(self) -> dict[str, jax.ShapeDtypeStruct]:
        return {
            name: jax.ShapeDtypeStruct(self.shapes.shape(name), jnp.float64 if x.below is None else jnp.int64)
            for name, x in self.shapes.arguments.items()
        }

    def _draw(self, generator: np.random.Generator, name: str, argument: Argument) -> np.ndarray:
        shape = self.shapes.shape(name)
        if argument.below is not None:
            return generator.integers(argument.below, size=shape)
        numbers = generator.standard_normal(shape)
        return numbers if argument.above is None else argument.above + np.abs(numbers)


def _name(function: Callable[..., Array], otherwise: str) -> str:
    name = str(getattr(function, "__name__", type(function).__name__))
    return otherwise if name == "<lambda>" else name


def _called_by_name(function: Callable[[Mapping[str, Array]], Array], shapes: Shapes, name: str) -> Form:
    """A function of a dictionary as one that has a parameter for each argument, which tracing and messages look for."""
    names = list(shapes.arguments)

    def called(*args: Array, **named: Array) -> Array:
        return function({**dict(zip(names, args, strict=False)), **named})

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    vars(called)["__signature__"] = inspect.Signature([inspect.Parameter(key, kind) for key in names])
    called.__name__ = name
    return called
