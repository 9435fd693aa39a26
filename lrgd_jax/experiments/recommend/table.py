"""The tables of the documentation: every recommender on every data set, against the reference."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import count, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Every recommender on every data set, against the reference."""
    sets = [key for key, x in summary.items() if isinstance(x, dict)]
    lines = []
    for label in sets:
        found = summary[label]
        lines += [f"`{label}`, {count(found['rows'][0].get('users', 0), 'user')}:", ""]
        rows = []
        for x in found["rows"]:
            if "left out" in x:
                rows.append([x["recommender"], "–", "–", "–", x["left out"]])
                continue
            gap = f"{x['NDCG@10 gap']:+.4f} ({x['NDCG@10 gap low']:+.4f} to {x['NDCG@10 gap high']:+.4f})"
            name = f"**{x['recommender']}**" if x["recommender"] == found["best"] else x["recommender"]
            gain = f"{x['NDCG@10']:.4f} ({x['NDCG@10 low']:.4f} to {x['NDCG@10 high']:.4f})"
            rows.append([name, f"{x['HR@10']:.4f}", gain, gap.replace("-", "−"), f"{x['NDCG@10 p']:.2g}"])
        lines += table(["", "HR@10", "NDCG@10", f"NDCG@10 above {summary['reference']}", "p"], rows)
    return lines
