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
    """A row a ratio, with its target and whether that is met; what was not measured says why."""
    rows = [(row["what"], measured(row), target(row)) for row in summary["ratios"]]
    machine = summary["machine"]
    where = f"{machine['cores']} cores, {machine['processor']}, Python {machine['python']}"
    return [*table(["what", "ratio", "target"], rows), "", f"Measured on {where}."]


def measured(row):
    """Three digits, and what there is to say of them."""
    text = "not measured" if row["value"] is None else f"{row['value']:.3g}x"
    return f"{text} ({row['note']})" if row["note"] else text


def target(row):
    """The target, and whether it is met."""
    if row["target"] is None:
        return ""
    text = f"{row['target']:.3g}x"
    if row["value"] is None:
        return text
    return f"{text}, met" if row["value"] <= row["target"] else f"{text}, **falls short**"
