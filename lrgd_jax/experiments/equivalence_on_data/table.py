"""The tables of the documentation: what was compared, and whose lists are the same."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import shown_number, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """What was compared, and whose lists are the same."""
    duals = {key: x for key, x in summary.items() if isinstance(x, dict)}
    return table(
        [
            "dual",
            "users",
            "scores",
            "largest difference",
            "in units of the bound",
            f"same {summary['k']} items in order",
            "other lists",
        ],
        [
            [
                name,
                f"{x['users']:,}",
                f"{x['scores']:,}",
                shown_number(x["largest difference"], 2),
                shown_number(x["difference/bound"], 2),
                f"{x['same lists']:,}",
                f"{x['other lists']:,}",
            ]
            for name, x in duals.items()
        ],
    )
