"""What `lrgd recommend` shows and writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lrgd_jax.cli.errors import written

if TYPE_CHECKING:
    from lrgd_jax.recommend.data.dataset import Split
    from lrgd_jax.recommend.measure.evaluation import Evaluation
    from lrgd_jax.recommend.serving.named_explanation import NamedExplanation
    from lrgd_jax.recommend.serving.recommender import Recommender

__all__ = ["compared", "described", "keep", "show_reasons", "show_table", "write_reasons"]


def described(found: Recommender, data: Path | None, scoring: float) -> dict[str, Any]:
    """What was evaluated, for the result file."""
    from dataclasses import asdict

    return {
        "seconds_scoring": scoring,
        "data": "generated" if data is None else data.name,
        "form": found.form,
        "demonstrations": len(found.model.demonstrations),
        **{f"meta {name}": value for name, value in asdict(found.meta).items()},
    }


def compared(measured: Evaluation, split: Split, seed: int) -> dict[str, Any]:
    """The usual strong baseline on the same queries, and the paired difference, clustered by user."""
    from lrgd_jax.recommend.measure.baselines import item_knn_and_popularity
    from lrgd_jax.recommend.measure.evaluation import evaluate

    other = evaluate(item_knn_and_popularity(split.context(measured.part), len(split.catalogue)), split, measured.part)
    result: dict[str, Any] = {}
    for metric in ("HR@10", "NDCG@10"):
        found = measured.against(other, metric, seed=seed)
        result[f"baseline {metric}"] = float(other.values(metric).mean())
        result[f"{metric} above baseline"] = found.difference.mean
        result[f"{metric} above baseline interval"] = [found.difference.low, found.difference.high]
        result[f"{metric} above baseline p"] = found.p
    return result


def keep(json: Path | None, content: Mapping[str, Any]) -> None:
    """Writes a result, which was shown already, where it is wanted."""
    from lrgd_jax.atomic import write_json

    if json is not None:
        with written(f"--json {json}"):
            write_json(json, content)


def write_reasons(found: NamedExplanation, top: int, json: Path | None, html: Path | None, png: Path | None) -> None:
    """Writes an explanation to the files that are wanted, each whole or not at all.

    Raises:
        ValueError: a picture is wanted and matplotlib is not there.
    """
    from lrgd_jax.atomic import atomic_write, write_json, write_text

    if html is not None or png is not None:
        try:
            from lrgd_jax.report.recommendation_figure import recommendation_figure
            from lrgd_jax.report.recommendation_html import recommendation_page
            from lrgd_jax.report.style import save_figure
        except ModuleNotFoundError as error:
            raise ValueError(f"a page or a picture needs {error.name}: install lrgd-jax[figures]") from None
        page, figure = recommendation_page(found), recommendation_figure(found, top)
        if html is not None:
            write_text(html, page)
        if png is not None:
            with atomic_write(png) as written:
                save_figure(figure, written)
    if json is not None:
        write_json(json, found.content())


def show_reasons(found: NamedExplanation, top: int) -> None:
    """The largest parts of a score, the rest in one line, and the sum."""
    place = "had already" if found.place is None else f"place {found.place}"
    typer.echo(f"user {found.user}, item {found.name} ({found.item}): score {found.score:.6g}, {place}")
    rows = [[x.source, x.user, x.item, "; ".join(x.shared), x.part] for x in found.parts[:top]]
    if len(found.parts) > top:
        rest = found.parts[top:]
        rows.append([f"{len(rest)} more", "", "", "", sum(x.part for x in rest)])
    rows.append(["sum", "", "", f"rounding allows {found.bound:.1e}", found.total])
    show_table(["source", "user", "item", "shared with the own history", "part"], rows)


def show_table(head: list[str], rows: list[list[Any]]) -> None:
    """A table on standard output."""
    from rich.markup import escape
    from rich.table import Table

    from lrgd_jax.cli.terminal import results_console

    table = Table(*head)
    for row in rows:
        table.add_row(*(f"{cell:.5g}" if isinstance(cell, float) else escape(str(cell)) for cell in row))
    results_console().print(table)
