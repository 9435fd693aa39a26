"""The tables of the documentation: detection, attacks with their defences, regularisers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrgd_jax.experiments.running.interface import Rows, Summary
from lrgd_jax.experiments.shared.markdown import per_cent, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Detection of the fakes, what attacks and their defences cost, and regularisers against perturbations."""
    return [
        *detection_table(summary["detection"]),
        *defence_tables(summary["attacks"]),
        *gain_table(summary["perturbations"] + [x for x in summary["attacks"] if x["part"] == "clean"]),
    ]


def detection_table(lines: Rows) -> list[str]:
    """How well effects tell fake from honest."""
    levels = {
        "one demonstration": "area_demonstration",
        "all of one account": "area_account",
        "all that lead to one item": "area_item",
        "wanted over promised": "area_lift",
    }
    rows = [
        [x["kind"], per_cent(x["share"]), f"{x['fakes']:,.0f}"]
        + [f"{x[key]:.4f}; {x[f'smallest {key}']:.4f}" for key in levels.values()]
        for x in lines
    ]
    header = ["attack", "share", "fakes", *levels]
    text = "Area under the ROC curve, pushing against honest; mean over the seeds; worst seed:"
    return [text, "", *table(header, rows)]


def defence_tables(lines: Rows) -> list[str]:
    """How often the pushed item is shown, and NDCG@10 against the data before the attack."""
    found = {}
    for x in lines:
        label = f"{x['kind']}, {per_cent(x['strength'])}" if x["part"] == "attack" else "no attack"
        found.setdefault(label, {})[x["regulariser"]] = x
    names = list(found["no attack"])
    attacked = [(label, own) for label, own in found.items() if label != "no attack"]
    shown = [[label, *(per_cent(x["attack_share"]) for x in own.values())] for label, own in attacked]
    return [
        "Share of the lists of ten that show the pushed item, by regulariser:",
        "",
        *table(["attack, share", *names], shown),
        "NDCG@10 of honest users against that without attack (95 % over users), and what pruning takes:",
        "",
        *table(
            ["attack, share", *(f"{name}{what}" for name in LOSSES for what in LOSSES[name])],
            [[label, *(cell for name in LOSSES for cell in lost_cells(own[name]))] for label, own in found.items()],
        ),
    ]


LOSSES = {
    "none": ("",),
    "pruning: worst 5 %": ("", ": fakes, honest"),
    "pruning: outlying items": ("", ": fakes, honest"),
}


def lost_cells(line: Mapping[str, Any]) -> list[str]:
    """The relative change of NDCG@10, and the shares that were pruned."""
    ends = f"({per_cent(line['relative change low'])} to {per_cent(line['relative change high'])})"
    cells = [f"{per_cent(line['relative change'])} {ends}"]
    if "honest_pruned" in line:
        fakes = per_cent(line["fake_pruned"]) if "fake_pruned" in line else "–"
        cells.append(f"{fakes}, {per_cent(line['honest_pruned'])}")
    return cells


def gain_table(lines: Rows) -> list[str]:
    """The gain of every regulariser in NDCG@10 over none; bold where it is seen for all cells together."""
    names = list(dict.fromkeys(x["regulariser"] for x in lines if x["regulariser"] != "none"))
    found = {(x["kind"], x["strength"], x["regulariser"]): x for x in lines}
    conditions = list(dict.fromkeys((x["kind"], x["strength"]) for x in lines))
    rows = []
    for kind, strength in conditions:
        plain = found[kind, strength, "none"]
        gains = [found[kind, strength, name] for name in names]
        shown = [per_cent(x["gain"] / plain["ndcg"]) for x in gains]
        marked = [f"**{text}**" if x["verdict"] != "none seen" else text for text, x in zip(shown, gains, strict=True)]
        label = f"{kind}, {strength:g}" if plain["part"] == "perturbation" else "nothing"
        rows.append([label, f"{plain['ndcg']:.4f}", per_cent(plain["relative change"]), *marked])
    text = "Gain in NDCG@10 by each regulariser, relative to none; bold where seen at 95 % for all cells together:"
    return [text, "", *table(["perturbation", "NDCG@10", "against none of it", *names], rows)]
