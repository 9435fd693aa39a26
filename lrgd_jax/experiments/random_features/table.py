"""The tables of the documentation: slopes, and measured errors in units of the predicted ones."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Slopes, and measured errors in units of the predicted ones."""
    gains = summary["gain of orthogonal rows"]
    distance = "largest distance in standard errors"
    return [
        *table(
            [
                "quantity",
                "rows",
                "slope (theory: −1)",
                "prediction",
                "error/predicted",
                "at most features",
                "worst z-score",
            ],
            [
                [
                    line["quantity"],
                    line["rows"],
                    f"{line['slope']:.3f}".replace("-", "−"),
                    line.get("prediction", "none"),
                    *(
                        f"{line[key]:.3f}" if key in line else "–"
                        for key in ("error/predicted", "error/predicted at most features")
                    ),
                    f"{line[distance]:.2f}" if distance in line else "–",
                ]
                for line in summary["errors"]
            ],
        ),
        "Error of plain rows over that of orthogonal ones, from $r = d$ features on: "
        + ", ".join(f"{key} {x:.3f}" for key, x in gains.items())
        + ".",
    ]
