"""Tables of a result, and of the same experiment on a larger model beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.outside.json_files import read_json

__all__ = ["with_smollm2"]


def with_smollm2(tables: Callable[[Summary], list[str]], summary: Summary, folder: Path) -> list[str]:
    """The tables of a result, and those of the run on the larger model where there is one."""
    further = folder.with_name(f"{folder.name}-smollm2") / "summary.json"
    if not further.is_file():
        return tables(summary)
    kept = read_json(further, dict[str, Any], what="summary of a run")
    title = f"**SmolLM2-135M** ([summary](results/{folder.name}-smollm2/summary.json))"
    return ["**stories260K**", "", *tables(summary), title, "", *tables(kept["summary"])]
