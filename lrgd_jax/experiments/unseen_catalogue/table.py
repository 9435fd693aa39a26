"""The tables of the documentation: gains of demonstrations, single layers."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.markdown import between, per_cent, shown_number, table
from lrgd_jax.experiments.unseen_catalogue.summaries import interval

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Gains of demonstrations by design, and what single layers do."""
    return [*_gains(summary), *_steps(summary), *_stability(summary)]


def _gains(summary: Summary) -> list[str]:
    alone = {(x["ties"], x["data"], x["design"]): x for x in summary["answers"] if not x["demonstrations"]}
    lines = [
        [
            x["data"],
            x["ties"],
            x["design"],
            f"{x['demonstrations']} {x['choice']}",
            f"{alone[x['ties'], x['data'], x['design']]['ndcg']:.4f}",
            f"{x['ndcg']:.4f}",
            between(interval(x, "ndcg"), 4),
            f"{x['nll']:.3f}",
            between(interval(x, "nll"), 3),
        ]
        for x in summary["answers"]
        if x["demonstrations"]
    ]
    head = [
        "data",
        "ties",
        "stack",
        "demonstrations",
        "NDCG@10 alone",
        "with",
        "difference",
        "loss with",
        "difference of the loss",
    ]
    return [f"{summary['users']:,} test users of each catalogue, means over the seeds:", "", *table(head, lines)]


def _steps(summary: Summary) -> list[str]:
    lines = [
        [
            x["data"],
            x["design"],
            *(f"{x[name]:.2f}" for name in ("cosine_step", "cosine_ridge", "step_to_ridge")),
            f"{x['size']:.3f} of {x['limit']:.3f}" if "size" in x else "–",
            per_cent(x["beyond"]) if "beyond" in x else "–",
            shown_number(x["apart"], 2) if "apart" in x else "–",
        ]
        for x in summary["steps"]
    ]
    head = [
        "data",
        "layer",
        "cosine with one gradient step",
        "with ridge",
        "step with ridge",
        "step, of 2/λmax (median)",
        "questions beyond it",
        "largest relative difference from the explicit step",
    ]
    return ["The change of all scores by one layer:", "", *table(head, lines)]


def _stability(summary: Summary) -> list[str]:
    lines = [
        [x["data"], f"{x['factor']:g} / λmax", shown_number(x["median_growth"], 3), per_cent(x["grew"])]
        for x in summary["stability"]
    ]
    if not lines:
        return []
    return [
        "Errors after 64 linear layers:",
        "",
        *table(["data", "step", "times as large (median)", "questions where they grew"], lines),
    ]
