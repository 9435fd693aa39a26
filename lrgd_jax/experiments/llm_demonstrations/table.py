"""The tables of the documentation: selectors against none, variations, and scores as forecasts."""

from pathlib import Path
from typing import Any

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.further_results import with_smollm2
from lrgd_jax.experiments.shared.markdown import between, count, per_cent, table

__all__ = ["tables"]

SETS = ("users asked for", "candidates")


def tables(summary: Summary, results: Path) -> list[str]:
    """Of this run, and of the same on SmolLM2 where there is one."""
    return with_smollm2(selector_tables, summary, results)


def selector_tables(summary: Summary) -> list[str]:
    """By set, every selector; then variations and forecasts."""
    lines: list[str] = []
    for name, own in summary.items():
        if name in SETS:
            continue
        short = own["shortlist"]
        lines += [
            f"*{name}*, {count(own['users'], 'user')}: the {summary['candidates']} candidates of the one-step "
            f"recommender hold {per_cent(short['recall'])} of the wanted items, and its own order has NDCG@10 "
            f"{short['NDCG@10']:.4f}.",
            "",
            *table(
                ["selector", "NLL", "against none", "NDCG@10", "against none", "calibrated", "passes to choose"],
                [_selector(selector, row) for selector, row in own["selectors"].items()],
            ),
            *table(
                ["varied", "", "NLL", "against none of the same format"],
                [[x["part"], x["condition"], *_pair(x["NLL"], 3)] for x in own["variations"]],
            ),
            *table(
                [f"forecast ({count(own['forecasts']['prompts'], 'prompt')})", "rank correlation"],
                [[what, between(value)] for what, value in own["forecasts"].items() if what != "prompts"],
            ),
        ]
    return lines


def _selector(name: str, row: dict[str, Any]) -> list[str]:
    chance = "" if name != "oracle" else " (sees the answer)"
    calibrated = f"{row['calibrated NDCG@10']['mean']:.4f}"
    return [
        name + chance,
        *_pair(row["NLL"], 3),
        *_pair(row["NDCG@10"], 4),
        calibrated,
        f"{row['passes to choose']:.2g}",
    ]


def _pair(value: dict[str, float], digits: int) -> list[str]:
    """A mean, and its difference to none with the interval."""
    gap = {"value": value["difference"], "low": value["low"], "high": value["high"]}
    return [f"{value['mean']:.{digits}f}", between(gap, digits)]
