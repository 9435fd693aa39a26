"""The tables of the documentation: in-context prediction, and the model without demonstrations, fine-tuned or not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.further_results import with_smollm2
from lrgd_jax.experiments.shared.markdown import between, count, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """In-context prediction, and the model without demonstrations, fine-tuned or not."""
    return with_smollm2(fine_tuning_tables, summary, results)


def fine_tuning_tables(summary: Summary) -> list[str]:
    """The same of one run; the rule by which rates come nearest to ICL in the table, the other below."""
    columns = {
        "KL from ICL": lambda x: between(x["kl"]) if "kl" in x else "–",
        "KL": lambda x: in_units(x, "kl / zero-shot"),
        "total variation": lambda x: in_units(x, "total_variation / zero-shot"),
        "Jensen-Shannon": lambda x: in_units(x, "jensen_shannon / zero-shot"),
        "KL at the last token": lambda x: in_units(x, "kl_last / zero-shot"),
        "likeliest token is ICL's": lambda x: between(x["top_1"]) if "top_1" in x else "–",
        "overlap of ten": lambda x: between(x["top_10"]) if "top_10" in x else "–",
        "log probability of the target": lambda x: between(x["likelihood"]) if "likelihood" in x else "–",
        "its deviation over orders": lambda x: between(x["order_deviation"]) if "order_deviation" in x else "–",
    }
    shown_lines = [x for x in summary["methods"] if x.get("rule", "nearest") == "nearest"]
    others = [x for x in summary["methods"] if x.get("rule") == "likeliest"]
    ratios = [x["kl / zero-shot"]["value"] for x in others]
    edges = summary["rates at the edge of their range"]
    return [
        f"Means over {count(summary['prompts'], 'prompt')} with 95 % bootstrap intervals, at the query's tokens; "
        "the four columns after the first divergence are in units of that of the model without demonstrations.",
        "",
        *table(
            ["prediction", "learning rate", *columns],
            [[method(x), x.get("learning_rate", "–"), *(f(x) for f in columns.values())] for x in shown_lines],
        ),
        "Learning rates in the table are those that come nearest to ICL on other prompts. Those that make the target "
        f"likeliest there leave a KL divergence of {min(ratios):.2f} to {max(ratios):.2f} of the zero-shot model's. "
        f"Chosen at the edge of the range that was tried: {len(edges)} of {summary['fine-tuned ones']} rates.",
        "",
    ]


def method(line: Mapping[str, Any]) -> str:
    """A way to predict, in words."""
    if line["method"] != "fine-tuned":
        return line["method"]
    optimiser = {"sgd": "SGD", "adam": "Adam"}[line["optimiser"]]
    return f"{optimiser}, {line['batches']}, {line['passes']} {'pass' if line['passes'] == 1 else 'passes'}"


def in_units(line: Mapping[str, Any], key: str) -> str:
    """A relative distance with its interval."""
    return between(line[key]) if key in line else "–"
