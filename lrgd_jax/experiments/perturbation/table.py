"""The tables of the documentation: agreement with the closed forms, and where regularised curves lie."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from lrgd_jax.experiments.running.interface import Rows, Summary
from lrgd_jax.experiments.shared.markdown import per_cent, shown_number, table
from lrgd_jax.outside.json_files import read_json

__all__ = ["tables"]


class _Curves(TypedDict):
    """What is read of a run's curves."""

    curves: list[dict[str, Any]]


def tables(summary: Summary, results: Path) -> list[str]:
    """Agreement with the closed forms, and where regularised curves lie."""
    curves = read_json(results / "curves.json", _Curves, what="file of curves")["curves"]
    return [
        *table(
            ["", ""],
            [
                ["grid points (dual, perturbation, regulariser, strength, seed)", f"{summary['grid_points']:,}"],
                ["of these with a closed form", f"{summary['with_closed_form']:,}"],
                ["of these in agreement", per_cent(summary["agreeing_fraction"])],
                [
                    "limit of the z-scores (false alarm of the whole grid: one in a thousand)",
                    f"{summary['z_limit']:.2f}",
                ],
                ["worst z-score of a mean shift", f"{summary['worst_mean_z']:.2f}"],
                ["worst z-score of a mean square", f"{summary['worst_square_z']:.2f}"],
                [
                    "worst targets: largest relative gap to the closed form",
                    shown_number(summary["worst_targets_relative_gap"], 2),
                ],
                ["ordered by theory: regularised below the other", per_cent(summary["regularised_below_measured"])],
            ],
        ),
        "Regularised curves against the plain one. In each cell: at how many points the measured root mean square "
        "shift is no larger than without regularisation, and the largest ratio of the two. **Bold**: theory says that "
        "it lies below.",
        "",
        *against_plain([curve for curve in curves if curve["dual"] == "linear"]),
        *against_plain([curve for curve in curves if curve["dual"] == "softmax"]),
        "Where theory has no closed form, only the first order in the variance or the rate: root mean square shifts in "
        "units of that prediction, from the smallest ratio over strengths and seeds to the largest.",
        "",
        *table(
            ["perturbation", "regulariser", "measured/predicted"],
            [
                [
                    curve["kind"],
                    curve["regulariser"],
                    f"{curve['smallest measured/predicted']:.2f} to {curve['largest measured/predicted']:.2f}",
                ]
                for curve in curves
                if not curve["closed form"]
            ],
        ),
    ]


def against_plain(curves: Rows) -> list[str]:
    """A table of one dual's regularised curves: how often, and by how much, they lie above the plain one."""
    regularisers = list(dict.fromkeys(curve["regulariser"] for curve in curves))
    by_place = {(curve["kind"], curve["regulariser"]): curve for curve in curves}

    def cell(curve: Mapping[str, Any]) -> str:
        text = f"{curve['below, measured']}/{curve['points']}, {curve['largest ratio, measured']:.2f}"
        return f"**{text}**" if curve["theory says it lies below"] else text

    kinds = dict.fromkeys(curve["kind"] for curve in curves)
    rows = [[kind, *(cell(by_place[kind, name]) for name in regularisers)] for kind in kinds]
    return table([f"{curves[0]['dual']} dual", *regularisers], rows)
