"""Robustness curves: how far random and worst perturbations move the dual's output, measured and in closed form.

Outputs are read before any ratio is taken, where the closed forms are exact. Every grid point compares the mean
shift of the output and its mean square with theory, in units of the Monte-Carlo standard error.
"""

import functools
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from scipy import stats

from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_targets
from lrgd_jax.dual.base import AnyOneStepDual
from lrgd_jax.experiments.running.interface import Row, Rows, Summary, Value, seed_and_rest
from lrgd_jax.robust import (
    Moments,
    Regulariser,
    anchor,
    dropout_moments,
    fraction,
    kernels_of,
    linear_noise_moments,
    none,
    random_pair,
    ridge,
    swap_moments,
    target_noise_moments,
    weight_decay,
)

__all__ = ["QUICK", "Config", "run_unit", "summary", "units"]


KINDS = ("target noise", "key noise", "query noise", "dropout", "swap", "worst targets")

REGULARISERS: dict[str, Callable[[], Regulariser]] = {
    "none": none,
    "half step": lambda: fraction(0.5),
    "weight decay": lambda: weight_decay(0.125),
    "anchor": lambda: anchor(0.125),
    "weak ridge": lambda: ridge(0.125),
    "ridge": lambda: ridge(1.0),
    "early stopping": lambda: ridge(0.125, rate=0.25, steps=4),
}

LINEAR = ("none", "half step", "weight decay", "anchor")
"""Under these the output stays linear in the keys and in which demonstrations are kept."""

SMALLER = (
    *((kind, small, "none") for kind in ("target noise", "key noise", "worst targets") for small in LINEAR[1:]),
    *((kind, "half step", "none") for kind in ("dropout", "swap")),
    *((kind, small, "weak ridge") for kind in ("target noise",) for small in ("ridge", "early stopping")),
)
"""Where theory orders two curves of the linear dual: kind, the lower, the upper."""


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: how many data sets; the seed is that of data and samples.
        dtype: of the computation.
        demonstrations: n.
        context: tokens of the zero-shot context.
        width: d.
        value_width: dv.
        samples: perturbations drawn at every grid point.
        strengths: deviation of the noise, rate of dropping or swapping, radius of the worst case.
        kinds: of perturbation.
        regularisers: of the linear dual.
        softmax_regularisers: of the softmax dual; all closed forms are exact under these.
        false_alarm: of the whole grid, for the verdict on agreement.
    """

    seeds: int = 2
    dtype: str = "float64"
    demonstrations: int = 12
    context: int = 3
    width: int = 6
    value_width: int = 2
    samples: int = 20_000
    strengths: tuple[float, ...] = (0.05, 0.1, 0.2, 0.3, 0.4)
    kinds: tuple[str, ...] = KINDS
    regularisers: tuple[str, ...] = tuple(REGULARISERS)
    softmax_regularisers: tuple[str, ...] = LINEAR
    false_alarm: float = 1e-3

    def __post_init__(self) -> None:
        choices = (
            ("kinds", self.kinds, KINDS),
            ("regularisers", self.regularisers, tuple(REGULARISERS)),
            ("softmax_regularisers", self.softmax_regularisers, LINEAR),
        )
        for what, names, known in choices:
            unknown = [name for name in names if name not in known]
            if unknown:
                raise ValueError(f"Config: {what} must be among {', '.join(known)}; got {unknown[0]!r}")
        if not self.strengths or not all(0 < strength <= 1 for strength in self.strengths):
            raise ValueError(f"Config: strengths must lie in (0, 1], as they are rates too; got {self.strengths}")
        if self.samples < 2 or self.demonstrations < 2:
            raise ValueError(
                f"Config: at least two samples and two demonstrations are needed, got {self.samples} and "
                f"{self.demonstrations}"
            )


QUICK = Config(
    seeds=1,
    samples=1_000,
    strengths=(0.1, 0.2, 0.4),
    regularisers=("none", "weight decay", "ridge"),
    softmax_regularisers=("none",),
)
"""Ends in well under a minute on two cores."""


def units(config: Config) -> list[str]:
    """One unit a seed, dual, kind of perturbation and regulariser: "seed=0/linear/key noise/none"."""
    linear = [f"linear/{kind}/{name}" for kind in config.kinds for name in config.regularisers]
    kinds = [kind for kind in config.kinds if kind != "query noise"]
    softmax = [f"softmax/{kind}/{name}" for kind in kinds for name in config.softmax_regularisers]
    return [f"seed={seed}/{rest}" for seed in range(config.seeds) for rest in linear + softmax]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a strength.

    Args:
        config: what is run.
        unit: one of `units(config)`.

    Raises:
        ValueError: there is no such unit.
    """
    seed, rest = seed_and_rest(unit, units(config))
    subject, kind, name = rest.split("/")
    model, query = setting(config, subject, seed)
    regulariser = REGULARISERS[name]()
    key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(unit.encode()))
    sampled = _sampler(config, model, query, regulariser, kind)
    rows: list[dict[str, Value]] = []
    for k, strength in enumerate(config.strengths):
        shifts = np.asarray(sampled(jax.random.fold_in(key, k), jnp.asarray(strength, query.dtype)), np.float64)
        theory = predicted(model, query, regulariser, kind, strength)
        exact = name in LINEAR or kind in ("target noise", "query noise", "swap", "worst targets")
        labels = {"seed": seed, "dual": subject, "kind": kind, "regulariser": name, "strength": strength}
        rows.append({**labels, "closed_form": exact, **_compared(shifts, theory, kind)})
    return rows


def setting(config: Config, subject: str, seed: int) -> tuple[AnyOneStepDual, Float[Array, " d"]]:
    """The dual of linear or of softmax attention on random tokens, and a query of length sqrt(d)."""
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1), 5)
    n, c, d, dv = config.demonstrations, config.context, config.width, config.value_width
    scale = 1 / math.sqrt(n) if subject == "linear" else 1 / math.sqrt(d)
    inputs, values = scale * jax.random.normal(keys[0], (n, d)), jax.random.normal(keys[1], (n, dv))
    query = jax.random.normal(keys[2], (d,))
    query = query * math.sqrt(d) / jnp.linalg.norm(query)
    if subject == "linear":
        return DualModel(jax.random.normal(keys[3], (dv, d)) / 4, inputs, values), query
    context = scale * jax.random.normal(keys[3], (c, d)), jax.random.normal(keys[4], (c, dv))
    start = KernelExpansion(context[0], projective_targets(context[1]))
    return FunctionalDual(start, inputs, projective_targets(values)), query


def predicted(
    model: AnyOneStepDual, query: Float[Array, " d"], regulariser: Regulariser, kind: str, strength: float
) -> Moments:
    """Mean and mean square of the shift, from the modified attention; nothing is trained.

    Exact where `run_unit` says so; otherwise to first order in the variance or the rate.
    """

    def attended(inputs: Float[Array, "n d"], point: Float[Array, " d"], weights: Float[Array, " n"]):
        moved = replace(model, inputs=inputs, sample_weights=weights)
        return regulariser.modify(kernels_of(moved, point))()

    n = model.inputs.shape[0]
    ones = jnp.ones((n,), query.dtype)
    values = model.targets[:, :-1] if model.projective else model.targets
    influences = _influences(model, query, regulariser)
    if kind == "target noise":
        return target_noise_moments(influences, values.shape[1], strength)
    if kind == "worst targets":
        size = strength * jnp.sum(jnp.abs(influences))
        unit = jnp.zeros((values.shape[1],), query.dtype).at[0].set(1)
        return Moments(size * unit, size**2)
    if kind == "swap":
        return swap_moments(influences, values, strength)
    if kind == "query noise":
        return linear_noise_moments(jax.jacfwd(attended, argnums=1)(model.inputs, query, ones), strength)
    if kind == "dropout":
        alone = attended(model.inputs, query, ones)[None] - jax.vmap(attended, (None, None, 0))(
            model.inputs, query, 1 - jnp.eye(n, dtype=query.dtype)
        )
        return dropout_moments(alone, strength)
    if isinstance(model, FunctionalDual):
        return _exponential_noise(influences, model.targets, query, strength)
    jacobians = jax.jacfwd(attended)(model.inputs, query, ones)
    return linear_noise_moments(jnp.moveaxis(jacobians, 1, 0), strength)


def summary(config: Config, rows: Rows) -> Summary:
    """How many grid points agree with their closed form, the worst z-scores, and how often a curve is lower."""
    exact = [row for row in rows if row["closed_form"] and row["kind"] != "worst targets"]
    numbers = sum(int(row["components"]) + 1 for row in exact)
    limit = float(stats.norm.isf(config.false_alarm / (2 * max(numbers, 1))))
    agree = [row for row in exact if max(row["mean_z"], row["square_z"]) <= limit]
    worst = [row for row in rows if row["kind"] == "worst targets"]
    pairs = [both for names in SMALLER for both in _pairs(rows, *names)]
    return {
        "grid_points": len(rows),
        "with_closed_form": len(exact),
        "agreeing_fraction": len(agree) / len(exact) if exact else None,
        "z_limit": limit,
        "false_alarm": config.false_alarm,
        "worst_mean_z": max((row["mean_z"] for row in exact), default=None),
        "worst_square_z": max((row["square_z"] for row in exact), default=None),
        "worst_targets_relative_gap": max(
            (abs(row["rms_measured"] / row["rms_predicted"] - 1) for row in worst), default=None
        ),
        "ordered_pairs": len(pairs),
        "regularised_below_in_theory": _fraction(
            [float(low["rms_predicted"]) <= float(up["rms_predicted"]) for low, up in pairs]
        ),
        "regularised_below_measured": _fraction(
            [float(low["rms_measured"]) <= float(up["rms_measured"]) for low, up in pairs]
        ),
    }


def _sampler(config: Config, model: AnyOneStepDual, query: Float[Array, " d"], regulariser: Regulariser, kind: str):
    """(key, strength) -> the shifts of the output, trained anew for every sample."""
    influences = _influences(model, query, regulariser)

    def output(moved: AnyOneStepDual, point: Float[Array, " d"]) -> Float[Array, " u"]:
        return moved.raw_output(regulariser.train(moved), point)

    def shift(key: PRNGKeyArray, strength: Float[Array, ""]) -> Float[Array, " u"]:
        moved, point = _perturbed(key, model, query, kind, strength, influences)
        return output(moved, point) - output(model, query)

    @functools.partial(jax.jit, static_argnames="count")
    def sampled(key: PRNGKeyArray, strength: Float[Array, ""], count: int) -> Float[Array, "s u"]:
        draws = jax.random.split(key, count)
        return jax.lax.map(lambda one: shift(one, strength), draws, batch_size=min(1_000, count))

    return functools.partial(sampled, count=1 if kind == "worst targets" else config.samples)


def _perturbed(
    key: PRNGKeyArray,
    model: AnyOneStepDual,
    query: Float[Array, " d"],
    kind: str,
    strength: Float[Array, ""],
    influences: Float[Array, " n"],
) -> tuple[AnyOneStepDual, Float[Array, " d"]]:
    """One perturbed training set and test point."""
    n = model.inputs.shape[0]
    if kind == "key noise":
        return replace(model, inputs=model.inputs + strength * jax.random.normal(key, model.inputs.shape)), query
    if kind == "query noise":
        return model, query + strength * jax.random.normal(key, query.shape)
    if kind == "dropout":
        return replace(model, sample_weights=jax.random.bernoulli(key, 1 - strength, (n,)).astype(query.dtype)), query
    values = model.targets[:, :-1] if model.projective else model.targets
    if kind == "target noise":
        values = values + strength * jax.random.normal(key, values.shape)
    elif kind == "swap":
        draw, choice = jax.random.split(key)
        chosen = random_pair(choice, n)
        swapped = values.at[chosen].set(values[chosen[::-1]])
        values = jnp.where(jax.random.bernoulli(draw, strength), swapped, values)
    else:
        values = values.at[:, 0].add(strength * jnp.sign(influences))
    return replace(model, targets=projective_targets(values) if model.projective else values), query


def _influences(model: AnyOneStepDual, query: Float[Array, " d"], regulariser: Regulariser) -> Float[Array, " n"]:
    """The derivative of the modified attention by each target."""
    kernels = kernels_of(model, query)
    return jax.grad(lambda targets: regulariser.modify(replace(kernels, targets=targets))()[0])(kernels.targets)[:, 0]


def _exponential_noise(
    weights: Float[Array, " n"], targets: Float[Array, "n u"], query: Float[Array, " d"], strength: float
) -> Moments:
    """Log-normal weights: mean e^{t/2}, variance e^{2t} - e^t, t = sigma^2 |q|^2 / d (claim `key-noise`)."""
    t = strength**2 * jnp.vdot(query, query) / query.shape[0]
    parts = weights[:, None] * targets
    mean = jnp.expm1(t / 2) * jnp.sum(parts, axis=0)
    return Moments(mean, jnp.sum(mean**2) + (jnp.exp(2 * t) - jnp.exp(t)) * jnp.sum(parts**2))


def _compared(shifts: np.ndarray, theory: Moments, kind: str) -> dict[str, int | float]:
    """Measured and predicted mean and root mean square, with z-scores and an interval of three standard errors."""
    mean = np.asarray(theory.mean, np.float64)
    # the normaliser of a pair does not move with the values
    shifts = shifts[:, : mean.shape[0]]
    count, squares = shifts.shape[0], np.sum(shifts**2, axis=1)
    error, square_error = (_standard_error(x) for x in (shifts, squares))
    square = float(theory.mean_square)
    sampled = kind != "worst targets"
    return {
        "samples": count,
        "components": mean.shape[0],
        "mean_predicted": float(np.linalg.norm(mean)),
        "mean_measured": float(np.linalg.norm(shifts.mean(axis=0))),
        "mean_z": float(np.max(np.abs(shifts.mean(axis=0) - mean) / error)) if sampled else 0.0,
        "rms_predicted": math.sqrt(square),
        "rms_measured": math.sqrt(squares.mean()),
        "rms_low": math.sqrt(max(squares.mean() - 3 * float(square_error), 0.0)),
        "rms_high": math.sqrt(squares.mean() + 3 * float(square_error)),
        "square_z": float(abs(squares.mean() - square) / square_error) if sampled else 0.0,
    }


def _standard_error(samples: np.ndarray) -> np.ndarray:
    """Of the mean over the rows; zero for a single one."""
    count = samples.shape[0]
    return np.std(samples, axis=0, ddof=1) / math.sqrt(count) if count > 1 else np.zeros(samples.shape[1:])


def _pairs(rows: Rows, kind: str, lower: str, upper: str) -> list[tuple[Row, Row]]:
    """The rows of two curves of the linear dual, point by point."""

    def curve(name: str) -> dict[tuple[int, float], Row]:
        chosen = (row for row in rows if (row["dual"], row["kind"], row["regulariser"]) == ("linear", kind, name))
        return {(row["seed"], row["strength"]): row for row in chosen}

    low, up = curve(lower), curve(upper)
    return [(low[point], up[point]) for point in low if point in up]


def _fraction(truths: Sequence[bool]) -> float | None:
    return sum(map(bool, truths)) / len(truths) if truths else None
