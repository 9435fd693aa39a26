"""The tables of the documentation: the best value of every knob."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import count, per_cent, shown_number, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """The best value of every knob."""
    return [
        *table(
            ["switch", "best value, measured", "its error", "best value, in theory", "its error"],
            [
                [
                    knob,
                    shown_number(best["value_measured"]),
                    f"{best['error_measured']:.4f}",
                    shown_number(best["value_predicted"]),
                    f"{best['error_predicted']:.4f}",
                ]
                for knob, best in summary["best"].items()
            ],
        ),
        f"Of {count(summary['grid_points'], 'grid point')}, {per_cent(summary['agreeing_fraction'])} agree with their "
        f"closed forms: the worst z-score of a mean is {summary['worst_mean_z']:.2f}, of a squared error "
        f"{summary['worst_error_z']:.2f}, and the limit is {summary['z_limit']:.2f} (false alarm of the whole grid: "
        "one in a thousand).",
    ]
