r"""A first-order bound on rounding errors for deep programs: local errors weighted by adjoints.

A running error compounds through depth, because it forgets that errors cancel in later differences and are damped by
later normalisations. The adjoint bound keeps that (Linnainmaa 1976; Iri 1984): cut the program at tensors $z$, let
$\delta_z$ bound what the operations since the previous cuts lose in each entry of $z$, and weigh by the derivatives
of the output $y_j$ of the perturbed program,

$$|\hat y_j - y_j| \le \sum_z \sum_e \left|\frac{\partial y_j}{\partial z_e}\right| \delta_{z,e} + r_j + O(u^2),$$

where $r_j$ is what is lost after the last cuts. It is first order: terms of order $u^2$ are left out, and derivatives
are taken at the computed point and in the program's dtype. At a kink, such as a tie in a maximum, the derivative is
JAX's choice, and comparisons, signs and floors count as decided the way they fall. A tensor is taken to have one
computed value, though XLA may evaluate it twice, in two fusions that round differently. It holds for any set of cuts: a
rounding's way to the output is counted up to the first cut it meets, then by that cut's adjoint.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lrgd_jax.certify.rounding.rounded_numbers import Rounded
from lrgd_jax.certify.rounding.running_error import Rounding, as_bounds, inputs_of
from lrgd_jax.certify.tracing.jax_versions import bind
from lrgd_jax.certify.tracing.program import Leaf, Program, Tree, as_program
from lrgd_jax.certify.walking.discrete import Open
from lrgd_jax.certify.walking.system import System, is_floating
from lrgd_jax.certify.walking.walker import walk

Cuts = Literal["operations", "names"]
FALSE_ALARM = 1e-9


@dataclasses.dataclass(frozen=True)
class AdjointBound:
    """A result and first-order bounds on its rounding errors, of one structure.

    Attributes:
        value: the program's result, evaluated in float64.
        worst: every rounding at its worst, to first order.
        rss: root sum of squares (Hoeffding): under the model that the local errors at the cuts are independent, have
            mean zero and are bounded by their local bounds, all outputs together stay within `rss` but for a
            probability of `false_alarm`. Never above `worst`.
        false_alarm: that probability.

    Examples:
        >>> bound = adjoint_bound(lambda x: jnp.exp(x).sum(), jnp.array([0.1, 0.2]))
        >>> bool(bound.rss <= bound.worst), bound.false_alarm
        (True, 1e-09)
    """

    value: Tree
    worst: Tree
    rss: Tree
    false_alarm: float


def adjoint_bound(
    function: Program | Callable[..., Any],
    *args: Tree,
    cuts: Cuts = "operations",
    outputs: Tree = None,
    batch: int = 64,
    false_alarm: float | None = None,
) -> AdjointBound:
    """Bounds the rounding error of a program to first order, through one reverse pass per output element.

    Args:
        function: a function of arrays, or its `trace`; the compiled reverse pass is kept with the trace.
        *args: the arguments, which count as exact.
        cuts: "operations" cuts after every floating operation; "names" only at the tensors marked by
            `jax.ad_checkpoint.checkpoint_name`, for example a decoder's residual stream after each layer.
        outputs: flat indices of the elements of a single floating output that are wanted; None for all of all outputs.
        batch: how many reverse passes run at once.
        false_alarm: probability that `rss` leaves to chance; None for 1e-9.

    Returns:
        Bounds of the structure of the result, or arrays of the length of `outputs` where that is given.

    Raises:
        ValueError: if `cuts`, `outputs` or `false_alarm` are not of these forms.

    Examples:
        >>> bound = adjoint_bound(lambda x: (x @ x) ** 2, jnp.array([1.0, 2.0]))
        >>> float(bound.value), 0 < float(bound.worst) < 1e-3
        (25.0, True)

    Source:
        Linnainmaa 1976; Iri 1984.
    """
    chance = FALSE_ALARM if false_alarm is None else false_alarm
    if cuts not in ("operations", "names") or not 0 < chance < 1:
        raise ValueError(
            f"expected cuts 'operations' or 'names' and 0 < false_alarm < 1, got {cuts!r} and {false_alarm!r}"
        )
    program = as_program(function, args)
    recorder = _Recorder(cuts)
    with np.errstate(all="ignore"):
        results = walk(program, recorder, inputs_of(program, args))
    if cuts == "names" and not recorder.cuts:
        raise ValueError("cuts='names' needs a tensor marked by jax.ad_checkpoint.checkpoint_name, got none")
    values, residuals = zip(*map(as_bounds, results), strict=True)
    floating = [k for k, x in enumerate(results) if isinstance(x, Rounded)]
    wanted = _select_outputs(outputs, values, floating)
    linear, square = _sums(program, recorder, program.flatten(args), wanted, batch)
    residual = np.concatenate([residuals[k].ravel() for k in floating] or [np.zeros(0)])[wanted]
    worst = linear + residual
    factor = math.sqrt(2 * math.log(2 * max(len(wanted), 1) / chance))
    rss = np.fmin(worst, factor * np.sqrt(square + residual**2))
    if outputs is not None:
        return AdjointBound(values[0].ravel()[wanted], worst, rss, chance)
    shaped = [program.unflatten(_unflatten(x, residuals, floating)) for x in (worst, rss)]
    return AdjointBound(program.unflatten(values), shaped[0], shaped[1], chance)


class _Recorder(Rounding):
    """Rounded numbers whose errors are recorded, and start anew, at every cut; comparisons are recorded too."""

    def __init__(self, cuts: Cuts) -> None:
        self.cut_operations = cuts == "operations"
        self.cuts: list[np.ndarray] = []
        self.decisions: list[np.ndarray] = []

    def apply(self, eqn: core.JaxprEqn, inputs: Sequence[Any]) -> list[Any]:
        outputs = super().apply(eqn, inputs)
        for x in outputs:
            if not isinstance(x, Rounded):
                self.decisions.append(x.value if isinstance(x, Open) else x)
        return [self._cut(x) for x in outputs] if self.cut_operations else outputs

    def mark(self, eqn: core.JaxprEqn, element: Rounded) -> Rounded:
        return element if self.cut_operations else self._cut(element)

    def _cut(self, x: Leaf) -> Any:
        if not isinstance(x, Rounded):
            return x
        self.cuts.append(np.broadcast_to(x.error, x.value.shape))
        return Rounded(x.value, np.zeros(x.value.shape), x.format)


class _Perturbed(System[jax.Array]):
    """The program in its own dtypes, with a perturbation added at each cut and comparisons as recorded."""

    def __init__(self, cuts: Cuts, perturbations: dict[int, jax.Array], decisions: Sequence[np.ndarray]) -> None:
        self.cut_operations = cuts == "operations"
        self.perturbations = perturbations
        self.decisions = iter(decisions)
        self.count = 0

    def lift(self, value: np.ndarray, dtype: np.dtype) -> jax.Array:
        return jnp.asarray(value.astype(dtype))

    def move(self, function: Callable[..., Any], *elements: jax.Array) -> jax.Array:
        return function(jnp, *elements)

    def expands(self, name: str) -> bool:
        return name not in Rounding.rules

    def apply(self, eqn: core.JaxprEqn, inputs: Sequence[Any]) -> list[Any]:
        if not any(is_floating(var) for var in eqn.outvars):
            return [next(self.decisions) for _ in eqn.outvars]
        outputs = bind(eqn, inputs)
        outputs = outputs if eqn.primitive.multiple_results else [outputs]
        # pivots and places are decided as they were
        return [
            self._kept(x) if is_floating(v) else next(self.decisions) for x, v in zip(outputs, eqn.outvars, strict=True)
        ]

    def _kept(self, x: jax.Array) -> jax.Array:
        return self._cut(x) if self.cut_operations else x

    def mark(self, eqn: core.JaxprEqn, element: jax.Array) -> jax.Array:
        return element if self.cut_operations else self._cut(element)

    def _cut(self, x: jax.Array) -> jax.Array:
        perturbation = self.perturbations.get(self.count)
        self.count += 1
        return x if perturbation is None else x + perturbation.astype(x.dtype)


def _select_outputs(outputs: Tree, values: Sequence[np.ndarray], floating: Sequence[int]) -> np.ndarray:
    total = sum(values[k].size for k in floating)
    if outputs is None:
        return np.arange(total)
    wanted = np.asarray(outputs)
    if len(values) != 1 or not floating or wanted.ndim != 1 or wanted.dtype.kind not in "iu":
        raise ValueError(
            f"`outputs` takes a vector of flat indices of a single floating output, got {outputs!r} for "
            f"{len(values)} outputs of which {len(floating)} are floating; return only the array that is wanted"
        )
    if wanted.size and not (wanted.min() >= 0 and wanted.max() < total):
        raise ValueError(f"expected flat indices in [0, {total}), got {wanted.min()}..{wanted.max()}")
    return wanted


def _unflatten(flat: np.ndarray, like: Sequence[np.ndarray], floating: Sequence[int]) -> list[np.ndarray]:
    leaves, start = list(like), 0
    for k in floating:
        leaves[k] = flat[start : start + like[k].size].reshape(like[k].shape)
        start += like[k].size
    return leaves


def _sums(
    program: Program, recorder: _Recorder, leaves: Sequence[Any], wanted: np.ndarray, batch: int
) -> tuple[np.ndarray, np.ndarray]:
    """For each wanted output element the sum of |adjoint| local error, and the sum of its squares."""
    kept = tuple(k for k, error in enumerate(recorder.cuts) if error.any())
    if not kept or not wanted.size:
        return np.zeros(wanted.size), np.zeros(wanted.size)
    # Local errors are near the unit roundoff and their squares would leave float32: measure them in the largest. But
    # that of a mask near the lowest number is so large that in its units all others would underflow, hence at most one.
    finite = [error[np.isfinite(error)] for error in (recorder.cuts[k] for k in kept)]
    scale = min(max((float(x.max()) for x in finite if x.size), default=1.0), 1.0) or 1.0
    locals_ = [jnp.asarray(recorder.cuts[k] / scale, jax.dtypes.canonicalize_dtype(np.float64)) for k in kept]
    moving = {k: x for k, x in enumerate(leaves) if jnp.issubdtype(x.dtype, np.inexact)}
    fixed = _Fixed({k: x for k, x in enumerate(leaves) if k not in moving}, recorder.decisions)
    cuts: Cuts = "operations" if recorder.cut_operations else "names"
    run = _compile(program, cuts, kept, fixed)
    width = min(batch, wanted.size)
    linear, square = [], []
    for start in range(0, wanted.size, width):
        # The last batch is filled up so that one compilation serves all.
        chunk = np.resize(wanted[start : start + width], width).astype(np.int32)
        first, second = run(moving, locals_, chunk)
        rest = min(width, wanted.size - start)
        linear.append(np.asarray(first, np.float64)[:rest])
        square.append(np.asarray(second, np.float64)[:rest])
    worst, squares = np.concatenate(linear) * scale, np.concatenate(square) * scale**2
    return np.where(np.isnan(worst), np.inf, worst), np.where(np.isnan(squares), np.inf, squares)


class _Fixed:
    """Integers and decisions that a compiled reverse pass depends on, comparable by content."""

    def __init__(self, leaves: dict[int, Any], decisions: Sequence[np.ndarray]) -> None:
        self.leaves, self.decisions = leaves, decisions
        arrays = [*leaves.values(), *decisions]
        self.key = tuple((str(x.dtype), x.shape, np.asarray(x).tobytes()) for x in arrays)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Fixed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@functools.lru_cache(maxsize=64)
def _compile(program: Program, cuts: Cuts, kept: tuple[int, ...], fixed: _Fixed) -> Callable[..., Any]:
    @jax.jit
    def run(moving: dict[int, jax.Array], locals_: list[jax.Array], chunk: jax.Array) -> Any:
        inputs = [fixed.leaves[k] if k in fixed.leaves else moving[k] for k in range(len(fixed.leaves) + len(moving))]

        def perturbed(perturbations: list[jax.Array]) -> list[jax.Array]:
            system = _Perturbed(cuts, dict(zip(kept, perturbations, strict=True)), fixed.decisions)
            results = walk(program, system, inputs)
            return [x for x, var in zip(results, program.jaxpr.jaxpr.outvars, strict=True) if is_floating(var)]

        results, pull = jax.vjp(perturbed, [jnp.zeros_like(x) for x in locals_])

        def sums(index: jax.Array) -> tuple[jax.Array, jax.Array]:
            (adjoints,) = pull(_one_hot(index, results))
            terms = [jnp.where(d == 0, 0, jnp.abs(a) * d) for a, d in zip(adjoints, locals_, strict=True)]
            return jnp.stack([t.sum() for t in terms]).sum(), jnp.stack([(t * t).sum() for t in terms]).sum()

        return jax.vmap(sums)(chunk)

    return run


def _one_hot(index: jax.Array, results: Sequence[jax.Array]) -> list[jax.Array]:
    seeds, start = [], 0
    for x in results:
        places = np.arange(start, start + x.size, dtype=np.int32).reshape(x.shape)
        seeds.append((places == index).astype(x.dtype))
        start += x.size
    return seeds
