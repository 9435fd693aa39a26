"""What `lrgd recommend evaluate` adds to its measures, and the files that `lrgd recommend explain` writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrgd_jax.recommend.data.dataset import Part, Split
    from lrgd_jax.recommend.measure.evaluation import Evaluation
    from lrgd_jax.recommend.serving.named_explanation import NamedExplanation
    from lrgd_jax.recommend.serving.recommender import Recommender

__all__ = [
    "evaluate_baseline",
    "evaluation_settings",
    "group_results",
    "headline_metrics",
    "intervals",
    "write_explanation",
]


def evaluation_settings(recommender: Recommender, data: Path | None, scoring: float) -> dict[str, object]:
    """What was evaluated, for the result file.

    Args:
        recommender: that was evaluated.
        data: the folder of the data; None for the generated catalogue.
        scoring: seconds that the scores took.
    """
    from dataclasses import asdict

    return {
        "seconds_scoring": scoring,
        "data": "generated" if data is None else data.name,
        "form": recommender.form,
        "demonstrations": len(recommender.model.demonstrations),
        **{f"meta {name}": value for name, value in asdict(recommender.meta).items()},
    }


def headline_metrics(measured: Evaluation) -> tuple[str, str]:
    """The two metrics that come with an interval: hits and gain of the longest lists, HR@10 and NDCG@10 as a rule."""
    return f"HR@{max(measured.ks)}", f"NDCG@{max(measured.ks)}"


def evaluate_baseline(split: Split, part: Part) -> Evaluation:
    """The usual strong baseline on the same queries: item-kNN with popularity."""
    from lrgd_jax.recommend.measure.baselines import item_knn_and_popularity
    from lrgd_jax.recommend.measure.evaluation import evaluate

    return evaluate(item_knn_and_popularity(split.context(part), len(split.catalogue)), split, part)


def intervals(measured: Evaluation, other: Evaluation | None, seed: int) -> dict[str, object]:
    """Intervals of HR@10 and NDCG@10, and where there is a baseline the paired difference, clustered by user.

    Args:
        measured: the recommender's own evaluation.
        other: the baseline's, on the same queries.
        seed: of the bootstrap.
    """
    result: dict[str, object] = {}
    for metric in headline_metrics(measured):
        interval = measured.interval(metric, seed=seed)
        result[f"{metric} interval"] = [interval.low, interval.high]
    if other is None:
        return result
    for metric in headline_metrics(measured):
        against = measured.against(other, metric, seed=seed)
        result[f"baseline {metric}"] = float(other.values(metric).mean())
        result[f"{metric} above baseline"] = against.difference.mean
        result[f"{metric} above baseline interval"] = [against.difference.low, against.difference.high]
        result[f"{metric} above baseline p"] = against.p
    return result


def group_results(measured: Evaluation, other: Evaluation | None, seed: int) -> dict[str, dict[str, object]]:
    """The same by kind of target (`Evaluation.groups`); nothing where it is not known which targets share a time.

    Args:
        measured: the recommender's own evaluation.
        other: the baseline's, on the same queries.
        seed: of the bootstrap.
    """
    others = {} if other is None else other.groups()
    return {
        name: {
            "queries": len(group.users),
            **{
                f"{metric}@{k}": float(group.values(f"{metric}@{k}").mean())
                for k in group.ks
                for metric in ("HR", "NDCG", "MRR")
            },
            **intervals(group, others.get(name), seed),
        }
        for name, group in measured.groups().items()
    }


def write_explanation(
    explanation: NamedExplanation, top: int, json: Path | None, html: Path | None, png: Path | None
) -> None:
    """Writes an explanation to the files that are wanted, each whole or not at all."""
    from lrgd_jax.atomic import atomic_write, write_json, write_text
    from lrgd_jax.report.recommendation_html import recommendation_page

    if png is not None:
        from lrgd_jax.report.recommendation_figure import recommendation_figure
        from lrgd_jax.report.style import save_figure

        with atomic_write(png) as temporary:
            save_figure(recommendation_figure(explanation, top), temporary)
    if html is not None:
        write_text(html, recommendation_page(explanation))
    if json is not None:
        write_json(json, explanation.content())
