"""The tables of the documentation: the best losses by depth, and what training makes of it."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import per_cent, shown_number, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """The best losses by depth, and what training makes of it."""
    losses, excess = summary["best losses"], summary["excess loss of trained stacks"]
    worth = summary["steps of descent worth K layers of GD++"]
    depths = list(dict.fromkeys(k for by_k in losses.values() for k in by_k))
    return [
        *table(
            ["K layers", *losses, "GD++ is worth", "trained, above descent", "trained, above GD++"],
            [
                [
                    k,
                    *(shown_number(by_k[k]) if k in by_k else "–" for by_k in losses.values()),
                    f"{worth[k]} {'step' if worth[k] == '1' else 'steps'}" if k in worth else "–",
                    *(per_cent(excess[k][name]) if name in excess.get(k, {}) else "–" for name in ("descent", "GD++")),
                ]
                for k in depths
            ],
        ),
        f"The loss of predicting zero is {shown_number(summary['loss of predicting zero'], 4)}. K constructed layers "
        "and K steps by automatic differentiation differ by at most "
        f"{summary['largest difference of layers and steps, in units of the rounding bound']:.2g} of the bound on the "
        "rounding errors of both programs.",
    ]
