"""The tables of the documentation: hit rates by selector and budget."""

import statistics
from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Hit rates by selector and budget."""
    reads = set(summary["read validation labels"])

    def label(name: str) -> str:
        mark = " (†)" if name in reads else " (reads the test items)" if name in summary["read the test items"] else ""
        return name + mark

    lines = []
    for scope, title in (("shared", "One context for all users"), ("personal", "A context for each user")):
        own = summary[scope]
        ends = [x for x in own if x["selector"] in ("none", "all")]
        curves = [x for x in own if x["selector"] not in ("none", "all")]
        budgets = list(dict.fromkeys(x["budget"] for x in curves))
        by_place = {(x["selector"], x["budget"]): x for x in curves}
        names = dict.fromkeys(x["selector"] for x in curves)
        cells = [
            [label(name), *(f"{by_place[name, k]['HR@10']:.4f}" if (name, k) in by_place else "–" for k in budgets)]
            for name in names
        ]
        # the size of a pool differs from seed to seed, and so does the budget of "all"
        means = {
            name: statistics.fmean(x["HR@10"] for x in ends if x["selector"] == name)
            for name in dict.fromkeys(x["selector"] for x in ends)
        }
        edge = ", ".join(f"{name} of them {x:.4f}" for name, x in sorted(means.items(), key=lambda pair: pair[1]))
        lines += [f"{title}, test HR@10, mean over the seeds ({edge}):", ""]
        lines += table(["selector", *(f"K = {k:,}" for k in budgets)], cells)
    ratios = [x for x in summary["shared"] if x["budget"] == 5000 and "ratio" in x and x["selector"] != "random"]
    lines += ["HR@10 in units of the random choice at K = 5,000 (smallest and largest end of a 95 % interval):", ""]
    lines += table(
        ["selector", "ratio", "interval over all seeds"],
        [
            [label(x["selector"]), f"{x['ratio']:.2f}", f"{x['smallest ratio']:.2f} to {x['largest ratio']:.2f}"]
            for x in sorted(ratios, key=lambda x: x["ratio"])
        ],
    )
    return [*lines, "(†) reads what validation users took; the others read no label."]
