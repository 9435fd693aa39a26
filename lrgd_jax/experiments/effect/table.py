"""The tables of the documentation: predicted and true changes, and the metrics without a share of the context."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import per_cent, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Correlations of predicted and true changes, and the metrics without a share of the context."""
    cells = ("pearson", "spearman", "same sign", "slope")
    rows = []
    for kind in ("demonstrations", "users"):
        parts = [("validation loss", summary[kind]["valid"]), ("test loss", summary[kind]["test"])]
        parts += [(f"validation loss, size {x['stratum']} of 4", x) for x in summary[kind]["by size"]]
        rows += [
            [
                f"single {kind}: {what}",
                x["removals"],
                *(f"{x[key]:.2f}".replace("-", "−") if key in x else "–" for key in cells),
            ]
            for what, x in parts
        ]
    shares = [
        [
            f"the {x['which']} {per_cent(x['share'])}",
            f"{x['HR@10']:.4f}",
            f"{x['NDCG@10']:.4f}",
            f"{per_cent(x['gain'])} ({per_cent(x['gain_low'])} to {per_cent(x['gain_high'])})",
            f"{x['valid loss']:.4f}",
        ]
        for x in summary["shares"]
    ]
    return [
        *table(["taken out, and what changes", "removals", "Pearson", "Spearman", "same sign", "slope"], rows),
        *table(["taken out", "test HR@10", "test NDCG@10", "against all of them", "validation loss"], shares),
    ]
