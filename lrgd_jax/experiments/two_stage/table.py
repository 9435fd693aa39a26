"""The tables of the documentation: what is chosen one step back, what it gains, what further updates cost."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import count, per_cent, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """What is chosen one step back, what stage two gains there, and what further updates cost."""
    start = summary["rates 1"]
    rows = [
        [
            "",
            "rates 1",
            f"{start['HR@10']:.4f}",
            f"{start['NDCG@10']:.4f}",
            "–",
            "100 %",
            f"{start['effective rank']:.0f}",
        ]
    ]
    for path in ("free", "guarded"):
        for when in ("at the chosen update", "after further updates", "best of all updates (reads the test items)"):
            x = summary[path][when]
            rows.append(
                [
                    path,
                    f"{when}: {x['update']}",
                    f"{x['HR@10']:.4f}",
                    f"{x['NDCG@10']:.4f}",
                    f"{per_cent(x['gain'])} ({per_cent(x['gain_low'])} to {per_cent(x['gain_high'])})",
                    per_cent(x["voices"]),
                    f"{x['effective rank']:.0f}",
                ]
            )
    back, chosen = summary["one step back"], summary["chosen"]
    change = {path: per_cent(summary[path]["change by further updates"]) for path in ("free", "guarded")}
    new = "NDCG@10 with the new transitions"
    return [
        *table(["path", "update", "test HR@10", "test NDCG@10", "gain", "voices", "effective rank"], rows),
        "One step back, where the validation items are asked, NDCG@10 is",
        "",
        *table(
            ["origins", "temperature", *(count(k, "update") for k in range(len(back[0]["NDCG@10"])))],
            [[str(x["origins"]), f"{x['temperature']:g}", *(f"{y:.4f}" for y in x["NDCG@10"])] for x in back],
        ),
        f"which chooses {count(chosen['origins'], 'origin')}, temperature {chosen['temperature']:g}, "
        f"{count(chosen['updates'], 'update')} and, for the guard, {per_cent(chosen['voices'])} of the voices. On "
        f"the test items further updates then change NDCG@10 by {change['free']} without the guard and by "
        f"{change['guarded']} with it. With the validation transitions added to the context at rate 1: "
        f"{start[new]:.4f} at rates 1, {summary['free']['at the chosen update'][new]:.4f} at the chosen update.",
    ]
