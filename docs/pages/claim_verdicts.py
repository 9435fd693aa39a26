"""What the last complete run of `lrgd verify` said of a claim, on each stack of which one is kept."""

import json
from pathlib import Path

from lrgd_jax.experiments.shared.markdown import row

RESULTS = Path(__file__).resolve().parents[1] / "results" / "verdicts"


def verdict_lines(slug):
    """A table for the page of a claim: a row a stack and dtype."""
    lines = []
    for file in sorted(RESULTS.glob("*.json")):
        run = json.loads(file.read_text())
        lines += [_row(run, verdict) for verdict in run["claims"] if verdict["slug"] == slug]
    if not lines:
        return ["It is newer than the last run that is kept here."]
    heads = "stack", "dtype", "error over bound", "mutants rejected", "exactly: false with probability", "balls"
    return [
        row(*heads),
        row(*("---" for _ in heads)),
        *lines,
        "",
        "Written by `lrgd verify --exact --dtype float64,float32 --json FILE` on each stack and "
        "`docs/collect_verdicts.py`. [How sure are we](../how-sure.md) says what each column is worth.",
    ]


def _row(run, verdict):
    mutants = verdict["mutants"]
    rejected = f"{sum(mutants)} of {len(mutants)}"
    # "points": no difference at those that were tried; "not applicable": no exact layer has a rule for the claim
    exact = verdict["status"] if verdict["false_accept"] is None else f"at most {verdict['false_accept']:.0e}"
    balls = "—" if verdict["radius"] is None else f"within {verdict['radius']:.0e}"
    holds = f"{verdict['worst_ratio']:.2g}" if verdict["holds"] else "**falls**"
    return row(run["stack"], verdict["dtype"], holds, rejected, exact, balls)
