"""The tables of the documentation: trained stacks against both constructed ones, by depth."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import per_cent, shown_number, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Trained stacks against both constructed ones, by depth."""
    depths = {key: value for key, value in summary.items() if isinstance(value, dict)}
    lines = {
        "loss above the reference's (mean; worst seed)": lambda x: (
            f"{per_cent(x['excess loss'])}; {per_cent(x['largest excess loss'])}"
        ),
        "cosine of predictions (mean; worst seed)": lambda x: (
            f"{x['prediction cosine']:.5f}; {x['smallest prediction cosine']:.5f}"
        ),
        "cosine of sensitivities to the query": lambda x: f"{x['sensitivity cosine']:.5f}",
        "loss between the two sets of weights, above the worse end": lambda x: per_cent(
            x["largest loss between the weights, over the worse end"]
        ),
        "largest ratio of the losses at other scales": lambda x: shown_number(
            x["largest ratio of the losses at other scales"], 4
        ),
    }
    columns = [
        (f"{depth}, against {key.removeprefix('against ')}", value[key])
        for depth, value in depths.items()
        for key in value
        # one layer of GD++ predicts what one layer of descent does
        if key.startswith("against") and not (depth == "1 layer" and key.endswith("GD++"))
    ]
    losses = {depth: value["losses"] for depth, value in depths.items()}
    return [
        *table(["", *(title for title, _ in columns)], [[k, *(f(x) for _, x in columns)] for k, f in lines.items()]),
        *table(
            ["test loss", *losses],
            [[k, *(shown_number(x[k], 4) for x in losses.values())] for k in ("trained", "descent", "GD++")],
        ),
        f"Best loss of one step, in closed form: {summary['best loss of one step, closed form']:.4f}.",
    ]
