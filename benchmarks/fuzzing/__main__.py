"""python -m benchmarks.fuzzing --json docs/results/fuzzing/summary.json"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.fuzzing.targets import TARGETS
from benchmarks.fuzzing.workers import Chunk, run_chunks

CHUNK = 250


def main() -> None:
    """Runs all targets, prints what is wrong, and keeps the counts; ends with 1 where anything is."""
    parser = argparse.ArgumentParser(description="Feed mutated files to every loader.")
    parser.add_argument("--each", type=int, default=4_800, help="inputs of each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[target.name for target in TARGETS], help="names of targets")
    parser.add_argument("--json", type=Path, help="where the counts go; those of targets that are not run stay there")
    options = parser.parse_args()
    wanted = options.only
    chunks = [Chunk(name, k, min(options.each, k + CHUNK)) for k in range(0, options.each, CHUNK) for name in wanted]
    records = run_chunks(chunks, options.seed, options.workers, print_faults)
    summary = summarise(records, wanted, options.seed)
    print(json.dumps({key: value for key, value in summary.items() if key != "targets"}))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(joined(summary, options.json), indent=1) + "\n")
    sys.exit(1 if summary["faults"] else 0)


def print_faults(record: dict[str, Any]) -> None:
    """A line a fault, as soon as it is known."""
    for fault in record.get("faults", []):
        print(record["target"], *fault, flush=True)


def summarise(records: list[dict[str, Any]], names: list[str], seed: int) -> dict[str, Any]:
    """Counts by target and in all."""
    targets = []
    for name in names:
        own = [record for record in records if record["target"] == name]
        kinds, refusals = Counter[str](), Counter[str]()
        for record in own:
            kinds.update(record["kinds"])
            refusals.update(record.get("refusals", {}))
        targets.append(
            {
                "name": name,
                "inputs": kinds.total(),
                "kinds": dict(sorted(kinds.items())),
                "refusals": dict(refusals.most_common()),
                "slowest_seconds": round(max(record.get("slowest", 0.0) for record in own), 3),
                "peak_bytes": max(record.get("peak", 0) for record in own),
                "cpu_seconds": round(sum(record.get("seconds", 0.0) for record in own), 1),
            }
        )
    return totals(targets, seed)


def totals(targets: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """The counts of all targets."""
    wrong = (x for target in targets for kind, x in target["kinds"].items() if kind not in ("loaded", "refused"))
    return {
        "seed": seed,
        "inputs": sum(target["inputs"] for target in targets),
        "faults": sum(wrong),
        "cpu_seconds": round(sum(target["cpu_seconds"] for target in targets), 1),
        "targets": targets,
    }


def joined(summary: dict[str, Any], file: Path) -> dict[str, Any]:
    """The counts with those of other targets that a file keeps from the same seed."""
    kept: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {"seed": None}
    earlier = {target["name"]: target for target in kept["targets"]} if kept["seed"] == summary["seed"] else {}
    by_name = earlier | {target["name"]: target for target in summary["targets"]}
    return totals([by_name[target.name] for target in TARGETS if target.name in by_name], summary["seed"])


if __name__ == "__main__":
    main()
