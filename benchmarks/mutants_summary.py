"""What came of the mutants: docs/results/mutants/summary.json, with every survivor and why it is left."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mutants_sample import Mutant

KINDS = ("equivalent", "speed only", "random stream", "gap")
"""What a survivor can be: the same function; another cost; other draws of the same law; a gap that is left."""
DEATHS = ("killed", "timeout", "crashed")
"""How a mutant dies: a test fails, the tests take too long, the process ends without a verdict."""
LEFT = ("survived", "not reached")
"""How one survives: all tests that run its line pass; no test of the mirrored folder runs its line."""


def write_summary(
    root: Path, sample: Mapping[str, Sequence[Mutant]], found: Mapping[str, dict[str, Any]], config: dict[str, Any]
) -> None:
    """Writes the summary, and prints its figure and the survivors that nobody has explained yet."""
    folder = root / "docs" / "results" / "mutants"
    folder.mkdir(parents=True, exist_ok=True)
    explained_file = folder / "explained.json"
    explained = json.loads(explained_file.read_text()) if explained_file.exists() else {}
    summary = {"config": config, **summarised(sample, found, explained)}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    total = summary["total"]
    print(f"{total['dead']} of {total['mutants']} mutants killed ({100 * total['dead'] / total['mutants']:.1f} %)")
    for survivor in summary["survivors"]:
        if not survivor["why"]:
            print(f"not explained: {survivor['key']} {survivor['place']} {survivor['diff']}")


def summarised(
    sample: Mapping[str, Sequence[Mutant]], found: Mapping[str, dict[str, Any]], explained: Mapping[str, dict[str, str]]
) -> dict[str, Any]:
    """Counts by package and by operator, and the survivors with their explanations."""
    everyone = [mutant for mutants in sample.values() for mutant in mutants]
    operators = sorted({_short(mutant.operator) for mutant in everyone})
    return {
        "total": _counts(found[mutant.key] for mutant in everyone),
        "packages": {name: _counts(found[mutant.key] for mutant in mutants) for name, mutants in sample.items()},
        "operators": {
            name: _counts(found[mutant.key] for mutant in everyone if _short(mutant.operator) == name)
            for name in operators
        },
        "survivors": [
            _survivor(mutant, found[mutant.key], explained.get(mutant.key, {}))
            for mutant in everyone
            if found[mutant.key]["status"] in LEFT
        ],
        "mutants": [
            [mutant.key, _place(mutant), _short(mutant.operator), found[mutant.key]["status"]] for mutant in everyone
        ],
    }


def _counts(found: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    by_status = Counter(verdict["status"] for verdict in found)
    counted = {name: by_status[name] for name in (*DEATHS, *LEFT)}
    return {"mutants": sum(counted.values()), "dead": sum(counted[name] for name in DEATHS), **counted}


def _survivor(mutant: Mutant, found: Mapping[str, Any], explained: Mapping[str, str]) -> dict[str, Any]:
    return {
        "key": mutant.key,
        "place": _place(mutant),
        "definition": mutant.definition,
        "operator": _short(mutant.operator),
        "diff": found["diff"],
        "kind": explained.get("kind", ""),
        "why": explained.get("why", ""),
    }


def _place(mutant: Mutant) -> str:
    return f"{mutant.module}:{mutant.start[0]}"


def _short(operator: str) -> str:
    """cosmic-ray's name of an operator without what all of a kind share."""
    name = operator.removeprefix("core/").removeprefix("Replace")
    kind, _, pair = name.partition("Operator_")
    return f"{kind}: {pair.replace('_', ' to ')}" if pair and not pair.startswith("Delete") else name
