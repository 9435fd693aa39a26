"""The tables of speed, from what the benchmarks of speed wrote."""

import json

from lrgd_jax.experiments.shared.markdown import table


def speed_tables(folder):
    """By file in a folder: every ratio beside its target."""
    return {f"{file.stem}.md": "\n".join(ratio_table(json.loads(file.read_text()))) + "\n" for file in files(folder)}


def files(folder):
    """The result files, in the order of their names."""
    return sorted(folder.glob("*.json"))


def ratio_table(summary):
    """A row a ratio; what falls short says so, with the reason where one is known."""
    rows = [
        (row["what"], ratio(row["value"]), ratio(row["target"]), verdict(row), row["note"]) for row in summary["ratios"]
    ]
    machine = summary["machine"]
    where = f"{machine['cores']} cores, {machine['processor']}, Python {machine['python']}"
    return [*table(["what", "ratio", "target", "", "why"], rows), "", f"Measured on {where}."]


def ratio(value):
    """Three digits, or a dash."""
    return "–" if value is None else f"{value:.3g}x"


def verdict(row):
    """Whether the target is met."""
    if row["value"] is None:
        return "not measured"
    if row["target"] is None:
        return ""
    return "met" if row["value"] <= row["target"] else "falls short"
