"""From the lines of a fidelity run to its summary, and from the summary to the table of docs/effect.md."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats

from lrgd_jax.effect.interactions import shapley_interactions_of

Record = dict[str, Any]

TRUTHS = ("exact-shapley", "leave-one-out")
RESAMPLES, LEVEL, SEED = 1000, 0.95, 0
DIGITS = 3
BUDGET = 30
"""Forward passes that a default may cost on the median prompt."""
GROWING = ("exact-shapley", "leave-one-out", "permutation-shapley")
"""Scores whose cost grows with the number of demonstrations."""
SMALLEST_RUN = {"smollm2": 40, "stories260K": 100}
"""Prompts without which nothing is collected."""
MODELS = {"smollm2": "SmolLM2-135M, shoppers' histories", "stories260K": "stories260K, sentences of stories"}
BEGIN, END = "<!-- made by benchmarks/fidelity.py --collect: {} -->", "<!-- end of {} -->"


def read_lines(file: Path) -> list[Record]:
    """The complete lines of a file, none where there is no file."""
    return [json.loads(line) for line in file.read_text().split("\n")[:-1]] if file.is_file() else []


def merge(records: Sequence[Record], *later: Sequence[Record]) -> list[Record]:
    """The records of the first round, with the scores of later ones where these came so far."""
    for others in later:
        more = {record["prompt"]: record["scores"] for record in others}
        records = [{**record, "scores": record["scores"] | more.get(record["prompt"], {})} for record in records]
    return list(records)


def read_run(run: Path, model: str) -> list[Record]:
    """All rounds of a model together."""
    first, *later = sorted(run.glob(f"{model}.jsonl")) + sorted(run.glob(f"{model}-*.jsonl")) or [run / "none"]
    return merge(read_lines(first), *map(read_lines, later))


def begin_with_kept(results: Path, run: Path) -> None:
    """A run that has what the kept results have, to which new scores are added without measuring the old ones again.

    Raises:
        ValueError: there is a run already.
    """
    if run.exists():
        raise ValueError(f"{run} is there already; name a new folder")
    run.mkdir(parents=True)
    for model in MODELS:
        (run / f"{model}.jsonl").write_text((results / f"{model}.jsonl").read_text())
    (run / "smollm2-costs.json").write_text(json.dumps(json.loads((results / "summary.json").read_text())["costs"]))


def summary(records: Sequence[Record]) -> Record:
    """Of one model: how every score agrees with the truths, what it costs, and what it leaves of the effect."""
    names = sorted({name for record in records for name in record["scores"]})
    return {
        "prompts": len(records),
        "demonstrations": sum(record["demonstrations"] for record in records),
        "tokens": statistics.median(record["tokens"] for record in records),
        "effect": quartiles([record["losses"][0] - record["losses"][-1] for record in records]),
        "helped": sum(record["losses"][-1] < record["losses"][0] for record in records),
        "scores": {name: _score(name, records) for name in names},
        "pairs": _pairs(records),
        "default": _default(records, names),
    }


def _score(name: str, records: Sequence[Record]) -> Record:
    own = [record for record in records if name in record["scores"]]
    scores = [record["scores"][name] for record in own]
    summary: Record = {
        "prompts": len(own),
        "cost": quartiles([score["cost"] for score in scores]),
        "lds": interval([lds(record, record["scores"][name]["values"]) for record in own], np.mean),
        **{truth: _agreement(own, name, truth) for truth in TRUTHS if truth != name},
    }
    gaps = [score["gap"] for score in scores if "gap" in score]
    if gaps and name not in GROWING:
        summary["gap"] = quartiles(gaps) | {"at most 0.05": sum(gap <= 0.05 for gap in gaps)}
    return summary


def lds(record: Record, values: Sequence[float], pairs: np.ndarray | None = None) -> float:
    """The linear datamodelling score of one prompt: do sums of scores predict the outcome of subsets of half the size?

    The Spearman correlation of a subset's sum of scores with the fall of the loss that is measured with it alone.
    Park et al. 2023 and dattri's `lds` draw subsets at random; of so few demonstrations all of that size are taken.

    Args:
        record: of a prompt.
        values: one a demonstration.
        pairs: what pairs add to the sum; nothing unless given.

    Source: Park et al. 2023, "TRAK", arXiv 2303.14186, definition 2.3; dattri 0.3.0, metric/metrics.py.
    """
    members = subsets(record["demonstrations"])
    predicted = members @ np.asarray(values)
    if pairs is not None:
        predicted = predicted + np.sum((members @ pairs) * members, axis=1) / 2
    half = members.sum(axis=1) == record["demonstrations"] // 2
    return spearman(predicted[half], -np.asarray(record["losses"])[half])


def subsets(n: int) -> np.ndarray:
    """Which demonstrations are in each subset, in the order of the losses."""
    return (np.arange(1 << n)[:, None] >> np.arange(n)[None, :]) & 1


def _pairs(records: Sequence[Record]) -> Record:
    """How large the interactions of pairs are, and what is predicted with them."""
    shares, scores = [], []
    for record in records:
        values = np.array(record["scores"]["exact-shapley"]["values"])
        index = shapley_interactions_of(-np.asarray(record["losses"]))
        shares.append(float(np.abs(index).sum() / 2 / np.abs(values).sum()))
        scores.append(lds(record, (values - index.sum(axis=1) / 2).tolist(), index))
    return {"sizes": quartiles(shares), "lds": interval(scores, np.mean)}


def quartiles(values: Sequence[float]) -> Record:
    """Median, quartiles and extremes."""
    points = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    return dict(
        zip(("least", "lower", "median", "upper", "most"), (round(float(x), DIGITS) for x in points), strict=True)
    )


def _agreement(records: Sequence[Record], name: str, truth: str) -> Record:
    """Correlations pooled over all demonstrations, and the mean of those within a prompt, each with an interval."""
    pairs = pairs_of(records, name, truth)
    agreement = {}
    for kind, correlation in (("pearson", pearson), ("spearman", spearman)):
        agreement[kind] = interval(pairs, pool(correlation))
        inside = np.array([correlation(*pair) for pair in pairs])
        agreement[f"{kind} within"] = interval(list(inside), lambda kept: float(np.mean(kept)))
    agreement["same best"] = interval([float(np.argmax(a) == np.argmax(b)) for a, b in pairs], np.mean)
    agreement["same worst"] = interval([float(np.argmin(a) == np.argmin(b)) for a, b in pairs], np.mean)
    agreement["same sign"] = interval([(np.sign(a), np.sign(b)) for a, b in pairs], pool(_equal))
    agreement["spearman of sizes"] = interval([(abs(a), abs(b)) for a, b in pairs], pool(spearman))
    return agreement


def pairs_of(records: Sequence[Record], name: str, truth: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """A score and the truth, prompt by prompt."""
    of = [record["scores"] for record in records]
    return [(np.array(scores[name]["values"]), np.array(scores[truth]["values"])) for scores in of]


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """The correlation; zero where one side is constant."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else 0.0


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """The correlation of ranks."""
    return pearson(scipy.stats.rankdata(a), scipy.stats.rankdata(b))


def _equal(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean(a == b))


def pool(correlation: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[Sequence], float]:
    """Over the demonstrations of all prompts together."""
    return lambda pairs: correlation(*(np.concatenate(side) for side in zip(*pairs, strict=True)))


def interval(units: Sequence, statistic: Callable[[Sequence], float]) -> list[float]:
    """The statistic, and the ends of its bootstrap interval over prompts (percentiles).

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    rng = np.random.default_rng(SEED)
    draws = rng.integers(len(units), size=(RESAMPLES, len(units)))
    resampled = [statistic([units[i] for i in draw]) for draw in draws]
    ends = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [round(float(x), DIGITS) for x in (statistic(units), *ends)]


def _default(records: Sequence[Record], names: Sequence[str]) -> Record:
    """The winner by pooled Pearson correlation with exact Shapley values, and its lead over every other."""
    own = {name: [record for record in records if name in record["scores"]] for name in names}

    def agreement(name: str) -> float:
        return pool(pearson)(pairs_of(own[name], name, "exact-shapley"))

    costs = {name: statistics.median(r["scores"][name]["cost"] for r in own[name]) for name in names}
    allowed = [name for name in names if name not in GROWING and costs[name] <= BUDGET]
    best = max(allowed, key=agreement)
    leads = {}
    for other in sorted(set(names) - {best, "exact-shapley"}):
        # on the prompts that have both
        triples = [
            (*a, b[0])
            for a, b in zip(
                pairs_of(own[other], best, "exact-shapley"), pairs_of(own[other], other, "exact-shapley"), strict=True
            )
        ]
        leads[other] = interval(triples, _lead)
    return {"name": best, "lead": leads}


def _lead(triples: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> float:
    best, truth, other = (np.concatenate(side) for side in zip(*triples, strict=True))
    return pearson(best, truth) - pearson(other, truth)


def table(summary: Record) -> list[str]:
    """One row a score, the best first."""
    rows = [
        "| score | Pearson with exact Shapley | Spearman | Spearman of sizes | Spearman within a prompt "
        "| same best demonstration | Pearson with leave-one-out | LDS | forward passes | completeness gap |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    scores = summary["scores"]
    others = [name for name in scores if name != "exact-shapley"]
    for name in ["exact-shapley", *sorted(others, key=lambda name: -scores[name]["exact-shapley"]["pearson"][0])]:
        row, exact, left = scores[name], scores[name].get("exact-shapley"), scores[name].get("leave-one-out")
        star = f" ({row['prompts']} prompts)" if row["prompts"] < summary["prompts"] else ""
        cells = [
            f"`{name}`{star}",
            *(("the truth", *[""] * (len(COLUMNS) - 1)) if exact is None else (_cell(exact[k]) for k in COLUMNS)),
            "" if left is None else _cell(left["pearson"]),
            _cell(row["lds"]),
            f"{row['cost']['median']:.1f}",
            f"{100 * row['gap']['median']:.1f} %" if "gap" in row else "",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


COLUMNS = ("pearson", "spearman", "spearman of sizes", "spearman within", "same best")


def _cell(values: Sequence[float]) -> str:
    middle, low, high = values
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def cost_table(rows: Sequence[Record]) -> list[str]:
    """What a gradient for all demonstrations costs, by their number."""
    lines = [
        "| demonstrations | numbers | counted | by XLA's count | by time |",
        "| --- | --- | --- | --- | --- |",
    ]
    cells = ("demonstrations", "control", "counted", "xla", "time")
    return lines + [f"| {' | '.join(str(row[cell]) for cell in cells)} |" for row in rows]


def lead_table(models: Record) -> list[str]:
    """By how much the default's Pearson correlation with the exact values is above every other score's."""
    kept = [model for model in MODELS if model in models]
    leads = {model: models[model]["default"]["lead"] for model in kept}
    lines = [f"| above | {' | '.join(MODELS[model] for model in kept)} |", f"| --- |{' --- |' * len(kept)}"]
    names = sorted(leads[kept[0]], key=lambda name: leads[kept[0]][name][0])
    return lines + [f"| `{name}` | {' | '.join(_cell(leads[model][name]) for model in kept)} |" for name in names]


def blocks(results: Path) -> dict[str, list[str]]:
    """The generated parts of docs/effect.md, from the result files."""
    summary = json.loads((results / "summary.json").read_text())
    parts = {model: table(summary["models"][model]) for model in MODELS if model in summary["models"]}
    return parts | {"leads": lead_table(summary["models"]), "costs": cost_table(summary["costs"])}


def insert(page: str, parts: dict[str, list[str]]) -> str:
    """The page with its generated parts in place of those that it has.

    Raises:
        ValueError: the page has no place for a part.
    """
    for name, lines in parts.items():
        begin, end = BEGIN.format(name), END.format(name)
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f"the page must have one line {begin!r} and one {end!r}")
        before, rest = page.split(begin)
        page = "".join([before, begin, "\n\n", "\n".join(lines), "\n\n", end, rest.split(end)[1]])
    return page


def collect(run: Path, target: Path) -> None:
    """Checks a run, keeps its lines and its summary, and writes the tables into docs/effect.md.

    Raises:
        ValueError: a run is not there or too small.
    """
    kept, models = {}, {}
    for model, least in SMALLEST_RUN.items():
        records = read_run(run, model)
        if len(records) < least:
            raise ValueError(f"{run / model}.jsonl has {len(records)} prompts; at least {least} are kept")
        kept[model], models[model] = records, summary(records)
    costs = json.loads((run / "smollm2-costs.json").read_text())
    target.mkdir(parents=True, exist_ok=True)
    for model, records in kept.items():
        (target / f"{model}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (target / "summary.json").write_text(json.dumps({"models": models, "costs": costs}, indent=1) + "\n")
    page = target.parents[1] / "effect.md"
    page.write_text(insert(page.read_text(), blocks(target)))
