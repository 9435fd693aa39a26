"""A probe: a program evaluated in plain floats, and how far every decision that it makes is from its edge.

A comparison is decided by the difference of its operands, a clip by how far its operand lies from both bounds, a floor
by how far from the integers. These *margins* are what the search for a program's own points (`critical_points.py`)
solves for. Nothing rests on the floats: the points that are found are judged by rationals and balls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import scipy.special
from jax.extend import core

from lrgd_jax.certify.exact.algebra import RING, Numbers
from lrgd_jax.certify.tracing.free_functions import FREE, program_behind
from lrgd_jax.certify.tracing.program import FAULTS, Program
from lrgd_jax.certify.walking.discrete import COMPARISONS, out_dtype
from lrgd_jax.certify.walking.system import System, is_floating
from lrgd_jax.certify.walking.walker import walk

__all__ = ["Decision", "MarginProbe", "SidePrograms"]

Array = np.ndarray


class SidePrograms(NamedTuple):
    """Programs of one list of inputs.

    Attributes:
        programs: both sides.
        given: from what is drawn to the inputs of both; None where they are the same.
    """

    programs: tuple[Program, ...]
    given: Program | None = None

    @property
    def all(self) -> tuple[Program, ...]:
        """All that is walked."""
        return self.programs if self.given is None else (self.given, *self.programs)


class Decision(NamedTuple):
    """One of the numbers that a program looks at to decide something.

    Attributes:
        equation: identifies the equation, while its program lives.
        turn: how often the equation was met before, in a loop or another call.
        part: which of its margins: a clip has two.
    """

    equation: int
    turn: int
    part: int


class MarginProbe(System[Numbers]):
    """Floats as NumPy and JAX compute them, whatever the primitive; not rigorous.

    Attributes:
        margins: of every decision of the program that was walked last, zero on the edge.
        equations: those that were met, by their identity.
    """

    def __init__(self) -> None:
        self.margins: dict[Decision, Array] = {}
        self.equations: dict[int, core.JaxprEqn] = {}
        self._turns: Counter[int] = Counter()
        self._behind: dict[int, Program] = {}

    def margins_at(self, walked: SidePrograms, point: Sequence[Array]) -> dict[tuple[int, Decision], Array] | None:
        """The margins of both programs at a point, by side and decision; None where they cannot be evaluated."""
        found: dict[tuple[int, Decision], Array] = {}
        try:
            inputs = [self.lift(x, x.dtype) if x.dtype.kind == "f" else x for x in point]
            inputs = inputs if walked.given is None else self._walk(walked.given, inputs)
            for side, program in enumerate(walked.programs):
                self._walk(program, inputs)
                found.update({(side, decision): margin for decision, margin in self.margins.items()})
        except FAULTS:
            return None
        return found

    def _walk(self, program: Program, inputs: Sequence[Any]) -> list[Any]:
        self.margins, self._turns = {}, Counter()
        return walk(program, self, inputs)

    def lift(self, value: Array, dtype: np.dtype) -> Numbers:
        """The numbers in their own format."""
        return Numbers(np.asarray(value).astype(dtype))

    def constant(self, value: float) -> Any:
        """A plain number; what `RING` sums begin with."""
        return np.float64(value)

    def move(self, function: Callable[..., Any], *elements: Numbers) -> Numbers:
        """The entries are moved as they are."""
        return Numbers(np.asarray(function(np, *(x.array for x in elements))))

    def apply(self, eqn: core.JaxprEqn, inputs: Sequence[Any]) -> list[Any]:
        """Records the margins, then evaluates the equation, with NumPy where that is quick."""
        name = eqn.primitive.name
        if name == FREE:
            program = self._behind.setdefault(id(eqn), program_behind(eqn))
            return walk(program, self, inputs)
        arrays = [x.array if isinstance(x, Numbers) else x for x in inputs]
        with np.errstate(all="ignore"):
            self._record(eqn, arrays)
            outputs = _evaluated(self, eqn, inputs, arrays)
        return [
            Numbers(np.asarray(x)) if is_floating(var) else np.asarray(x)
            for x, var in zip(outputs, eqn.outvars, strict=True)
        ]

    def _record(self, eqn: core.JaxprEqn, arrays: list[Any]) -> None:
        found = _MARGINS.get(eqn.primitive.name)
        if found is None:
            return
        key = id(eqn)
        self.equations[key] = eqn
        turn = self._turns[key]
        self._turns[key] += 1
        for part, margin in enumerate(found(eqn, *arrays)):
            self.margins[Decision(key, turn, part)] = np.ravel(margin).astype(np.float64)


def _evaluated(system: MarginProbe, eqn: core.JaxprEqn, inputs: Sequence[Any], arrays: list[Any]) -> Sequence[Any]:
    name = eqn.primitive.name
    if name in _NUMPY:
        value = np.asarray(_NUMPY[name](*arrays))
        return [value.astype(out_dtype(eqn), copy=False)]
    if name in ("dot_general", "reduce_sum") and all(isinstance(x, Numbers) for x in inputs):
        return [RING[name](system, eqn, *inputs).array.astype(out_dtype(eqn), copy=False)]
    if name == "convert_element_type" and np.dtype(out_dtype(eqn)).kind in "fb":
        return [arrays[0].astype(out_dtype(eqn))]
    if name == "integer_pow":
        return [arrays[0] ** np.asarray(eqn.params["y"], arrays[0].dtype)]
    with jax.ensure_compile_time_eval():
        outputs = eqn.primitive.bind(*arrays, **eqn.params)
    return outputs if eqn.primitive.multiple_results else [outputs]


_NUMPY: Mapping[str, Callable[..., Any]] = {
    **COMPARISONS,
    "add": np.add,
    "add_any": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "max": np.maximum,
    "min": np.minimum,
    "clamp": lambda low, x, high: np.minimum(np.maximum(x, low), high),
    "square": np.square,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "logistic": scipy.special.expit,
    "erf": scipy.special.erf,
    "floor": np.floor,
    "ceil": np.ceil,
    "is_finite": np.isfinite,
}


def _difference(eqn: core.JaxprEqn, x: Array, y: Array) -> list[Array]:
    return [x - y]


def _itself(eqn: core.JaxprEqn, x: Array, *_: Array) -> list[Array]:
    return [x]


def _from(*edges: float) -> Callable[..., list[Array]]:
    return lambda eqn, x, *_: [x - edge for edge in edges]


def _conversion(eqn: core.JaxprEqn, x: Array) -> list[Array]:
    kind = np.dtype(out_dtype(eqn)).kind
    return [x] if kind == "b" else [x + 1, x, x - 1] if kind in "iu" else []


def _clamp(eqn: core.JaxprEqn, low: Array, x: Array, high: Array) -> list[Array]:
    return [x - low, x - high]


def _quotient(eqn: core.JaxprEqn, x: Array, y: Array) -> list[Array]:
    return [x / y - edge for edge in (-1, 0, 1)]


def _divisor(eqn: core.JaxprEqn, x: Array, y: Array) -> list[Array]:
    return [y]


def _extreme(sign: int) -> Callable[..., list[Array]]:
    """How far each entry is above the largest of the others (below the smallest)."""

    def margins(eqn: core.JaxprEqn, x: Array) -> list[Array]:
        axes = tuple(int(a) for a in eqn.params["axes"])
        kept = [k for k in range(x.ndim) if k not in axes]
        rows = sign * x.transpose(*kept, *axes).reshape(*(x.shape[k] for k in kept), -1)
        if rows.size == 0 or rows.shape[-1] < 2:
            return []
        ordered = np.sort(rows, axis=-1)
        first, second = ordered[..., -1:], ordered[..., -2:-1]
        place = np.argmax(rows, axis=-1)[..., None]
        others = np.where(np.arange(rows.shape[-1]) == place, second, first)
        return [rows - others]

    return margins


def _neighbours(axis_of: Callable[[core.JaxprEqn], int]) -> Callable[..., list[Array]]:
    def margins(eqn: core.JaxprEqn, x: Array, *_: Any) -> list[Array]:
        # keys that are integers were compared as they stand
        return [np.diff(x, axis=axis_of(eqn))] if x.dtype.kind == "f" else []

    return margins


def _finite(eqn: core.JaxprEqn, x: Array) -> list[Array]:
    return [np.where(np.isfinite(x), 1.0, -1.0)]


_MARGINS: Mapping[str, Callable[..., list[Array]]] = {
    # beyond the edges of those in the last lines there is no value
    **dict.fromkeys((*COMPARISONS, "max", "min", "nextafter"), _difference),
    **dict.fromkeys(("sign", "abs"), _itself),
    "clamp": _clamp,
    "floor": _from(-1, 0, 1),
    "ceil": _from(-1, 0, 1),
    "round": _from(-0.5, 0.5, 1.5),
    "rem": _quotient,
    "convert_element_type": _conversion,
    "is_finite": _finite,
    "argmax": _extreme(1),
    "argmin": _extreme(-1),
    "reduce_max": _extreme(1),
    "reduce_min": _extreme(-1),
    "sort": _neighbours(lambda eqn: int(eqn.params["dimension"])),
    "top_k": _neighbours(lambda eqn: -1),
    "cummax": _neighbours(lambda eqn: int(eqn.params["axis"])),
    "cummin": _neighbours(lambda eqn: int(eqn.params["axis"])),
    **dict.fromkeys(("sqrt", "rsqrt", "log"), _itself),
    "div": _divisor,
    "log1p": _from(-1),
    "asin": _from(-1, 1),
    "acos": _from(-1, 1),
    "atanh": _from(-1, 1),
    "acosh": _from(1),
}
