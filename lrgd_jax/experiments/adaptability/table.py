"""The tables of the documentation: every variant on every data set, and how the gap to the frozen one goes on."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Every variant on every data set, all windows together, and how the gap to the frozen one goes on."""
    rows = []
    for x in summary["variants"]:
        interval = f"({x['ndcg_low']:.4f} to {x['ndcg_high']:.4f})"
        cells = [x["data"].removeprefix("amazon_"), x["variant"], f"{x['ndcg']:.4f} {interval}", f"{x['hit_rate']:.4f}"]
        if x["variant"] == "frozen":
            rows.append([*cells, "", "", "", "", ""])
            continue
        over = (f"over_{other}" for other in ("frozen", "updated"))
        gaps = [f"{x[key]:+.4f} ({x[f'{key}_low']:+.4f} to {x[f'{key}_high']:+.4f})" for key in over]
        above = f"{x['windows clearly above']} / {x['windows clearly below']}"
        halves = f"{x['gap in the first half']:+.4f} / {x['gap in the second half']:+.4f}"
        slope = "slope of the gap per window"
        line = f"{x[slope]:+.5f} ({x['slope low']:+.5f} to {x['slope high']:+.5f})" if slope in x else ""
        rows.append([*cells, gaps[0], gaps[1] if x["variant"] != "updated" else "", above, halves, line])
    header = [
        "data",
        "recommender",
        "NDCG@10 (95 %)",
        "HR@10",
        "NDCG@10 above the frozen one",
        "above the updated one",
        "windows clearly above / below",
        "gap in the first / second half",
        "slope of the gap per window",
    ]
    return table(header, [[x.replace("-", "−") if k > 3 else x for k, x in enumerate(row)] for row in rows])
