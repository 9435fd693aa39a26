"""python -m benchmarks.kernel_faults --json docs/results/kernel-faults/summary.json"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jax

from benchmarks.kernel_faults.measure import ERROR_RATIO, TOLERANCE, measure
from benchmarks.kernel_faults.table import FAMILIES, FAULTS


def main() -> None:
    """Measures all faults and keeps the table; ends with 1 where one is not refuted and no reason is known."""
    parser = argparse.ArgumentParser(description="Refute re-made faults of kernels, and compare within tolerances.")
    parser.add_argument("--only", nargs="*", help="words in the names of faults")
    parser.add_argument("--json", type=Path, help="where the table goes")
    options = parser.parse_args()
    wanted = [one for one in FAULTS if not options.only or any(word in one.name for word in options.only)]
    rows = []
    for fault in wanted:
        rows.append(measure(fault))
        print(line(rows[-1]), flush=True)
    summary = summarise(rows)
    print(json.dumps(summary["total"]))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    sys.exit(1 if summary["total"]["unexplained"] else 0)


def line(row: dict[str, Any]) -> str:
    """What is printed of a fault."""
    where = f"{row['entries']} numbers, {row['numbers']}, named: {row['localised']}" if "entries" in row else row["why"]
    passes = [name for name in ("ordinary", "usual") if row[name] and row[name]["allclose"]]
    holds = row.get("definition", "")
    return f"{row['seconds']:6.2f} s  {row['name']}: {row['verdict']} ({where}); passes 1e-3: {passes} {holds}"


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows by family, and counts."""
    refuted = [row for row in rows if row["verdict"] == "refuted"]
    families = {name: [fault.name for fault in faults] for name, faults in FAMILIES.items()}
    usual = [row for row in rows if row["usual"]]
    total = {
        "faults": len(rows),
        "refuted": len(refuted),
        "exactly": sum(row["numbers"] == "rational numbers" for row in refuted),
        "localised": dict(Counter(row["localised"] for row in refuted).most_common()),
        "unexplained": sum(row["verdict"] != "refuted" and not row["why"] for row in rows),
        "definitions": sum("definition" in row for row in rows),
        "certified_definitions": sum(row.get("definition") == "certified" for row in rows),
        "ordinary_pass_allclose": sum(row["ordinary"]["allclose"] for row in refuted),
        "ordinary_pass_error_ratio": sum(row["ordinary"]["within_error_ratio"] for row in refuted),
        "usual": len(usual),
        "usual_pass_allclose": sum(row["usual"]["allclose"] for row in usual),
        "usual_pass_error_ratio": sum(row["usual"]["within_error_ratio"] for row in usual),
        "seconds": round(sum(row["seconds"] for row in rows), 1),
    }
    return {
        "jax": jax.__version__,
        "tolerance": TOLERANCE,
        "error_ratio": ERROR_RATIO,
        "total": total,
        "families": families,
        "faults": rows,
    }


if __name__ == "__main__":
    main()
