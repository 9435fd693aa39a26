"""What the rows of the experiment on perturbation say."""

from collections.abc import Sequence

from scipy import stats

from lrgd_jax.experiments.perturbation.config import LINEAR, Config
from lrgd_jax.experiments.running.interface import Row, Rows, Summary

__all__ = ["summary"]

SMALLER = (
    *((kind, small, "none") for kind in ("target noise", "key noise", "worst targets") for small in LINEAR[1:]),
    *((kind, "half step", "none") for kind in ("dropout", "swap")),
    *((kind, small, "weak ridge") for kind in ("target noise",) for small in ("ridge", "early stopping")),
)
"""Where theory orders two curves of the linear dual: kind, the lower, the upper."""


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


def _pairs(rows: Rows, kind: str, lower: str, upper: str) -> list[tuple[Row, Row]]:
    """The rows of two curves of the linear dual, point by point."""

    def curve(name: str) -> dict[tuple[int, float], Row]:
        chosen = (row for row in rows if (row["dual"], row["kind"], row["regulariser"]) == ("linear", kind, name))
        return {(row["seed"], row["strength"]): row for row in chosen}

    low, up = curve(lower), curve(upper)
    return [(low[point], up[point]) for point in low if point in up]


def _fraction(truths: Sequence[bool]) -> float | None:
    return sum(map(bool, truths)) / len(truths) if truths else None
