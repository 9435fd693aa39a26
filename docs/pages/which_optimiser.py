"""The table of updates that are called gradient descent, from what benchmarks/gradient_updates.py wrote."""

from lrgd_jax.certify.answers.result_texts import nested_text
from lrgd_jax.experiments.shared.markdown import count, table


def which_optimiser_table(summary):
    """A row a question: the update, the verdict, the loss or the witness."""
    rows = summary["rows"]
    updates = len({row["update"] for row in rows})
    return [
        f"**{count(updates, 'update')}, {count(len(rows), 'question')}, {summary['wrong']} wrong** "
        "([summary](results/which-optimiser/summary.json)).",
        "",
        *table(
            ["update", "gradient of a loss of the state?", "loss or witness", "seconds"],
            [(f"{row['says']}", verdict(row), shown(row), f"{row['seconds']:.1f}") for row in rows],
        ),
    ]


def verdict(row):
    """Yes, no or open, and under which metric."""
    plain = {"gradient": "yes", "no gradient": "no", "undecided": "undecided"}[row["verdict"]]
    if "matrix" in row:
        kind = "positive definite" if row["definite"] else "indefinite"
        return f"{plain}, under `M = {nested_text(row['matrix'])}`, {kind}"
    if "no_metric" in row:
        return f"{plain}, nor under another constant metric"
    return f"{plain}, under `{row['metric']}`" if "metric" in row else plain


def shown(row):
    """The loss, or the entries of the Jacobian that differ and the arguments at which they do."""
    if "loss" in row:
        return f"`{row['loss']}`"
    if "entries" not in row:
        return "its line integral" if row["verdict"] == "gradient" else "–"
    first, second = row["entries"]
    (one, other), state = row["derivatives"], row["wrt"]
    at = ", ".join(f"{name} = {nested_text(x)}" for name, x in row["arguments"].items())
    return f"dF{first}/d{state}{second} = {one:g}, dF{second}/d{state}{first} = {other:g} at `{at}`"
