"""The tables of the documentation: errors and how tight their bounds are, by the number of demonstrations."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import per_cent, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Errors and how tight their bounds are, by the number of demonstrations."""
    lines = {(line["dual"], line["demonstrations"]): line for line in summary["tightness"]}
    duals = list(dict.fromkeys(dual for dual, _ in lines))
    ratios = ("mean bound/error", "task bound/error", "error/lower bound")
    return [
        *table(
            ["N", *(f"{dual}: {key}" for dual in duals for key in ("error", *ratios))],
            [
                [n, *(f"{lines[dual, n][key]:.3f}" for dual in duals for key in ("error", *ratios))]
                for n in dict.fromkeys(n for _, n in lines)
            ],
        ),
        *table(
            ["", *duals],
            [
                [
                    "mean error above its bound, in standard errors, at most",
                    *(
                        f"{summary[dual]['mean error above its bound, in standard errors, at most']:.2f}"
                        for dual in duals
                    ),
                ],
                [
                    "tasks above their own bound",
                    *(f"{summary[dual]['tasks above their bound']:,} of {summary[dual]['tasks']:,}" for dual in duals),
                ],
                ["share that is allowed", *(per_cent(summary[dual]["allowed share"]) for dual in duals)],
            ],
        ),
    ]
