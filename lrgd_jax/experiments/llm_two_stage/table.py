"""The tables of the documentation: updates with and without a guard, and perturbed demonstrations."""

from pathlib import Path
from typing import Any

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import between, count, per_cent, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """By set, what refined rates change, and what is left of the context."""
    lines: list[str] = []
    for name, own in summary.items():
        rows = [
            [
                path,
                str(x["update"]),
                f"{x['NLL of the window']:.3f}",
                f"{x['NLL']:.3f}",
                _difference(x),
                per_cent(x["voices"]),
                per_cent(x["largest share"]),
                per_cent(x["effective rank"]),
            ]
            for path in ("free", "guarded")
            for x in own[path]
            if x["update"] in (0, 1, len(own[path]) // 2, len(own[path]) - 1)
        ]
        head = ["path", "update", "NLL of the window", "of the answer", "against rates 1", "voices", "largest", "rank"]
        perturbed = [
            [x["kind"], x["rates"], f"{x['NLL']:.3f}", _difference(x), _difference(x["advertised"])]
            for x in own["perturbed"]
        ]
        lines += [
            f"*{name}*, {count(own['users'], 'user')}; without demonstrations the loss of the answer is "
            f"{own['without demonstrations']:.3f}.",
            "",
            *table(head, rows),
            *table(
                ["demonstrations", "", "NLL", "against as they are", "of another item, which is advertised"], perturbed
            ),
        ]
    return lines


def _difference(x: dict[str, Any]) -> str:
    return between({"value": x["difference"], "low": x["low"], "high": x["high"]}, 3)
