"""`lrgd recommend`: fit, query, evaluate and explain the in-context recommender."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from lrgd_jax.cli.errors import CODES
from lrgd_jax.cli.files import require_writable, write_json_result
from lrgd_jax.cli.options import JsonFile, require_at_least_one, require_positive
from lrgd_jax.cli.recommend_changes import add_item, compact, erase, update
from lrgd_jax.cli.recommend_inputs import (
    fit_recommender,
    load_for_split,
    load_or_fit_recommender,
    read_meta,
    read_split,
    read_ties,
    require_one_of_model_and_meta,
)
from lrgd_jax.cli.recommend_lists import lists, query
from lrgd_jax.cli.recommend_options import Data, Form, MetaFile, Model, Seed, Ties, TiesSeed, Time
from lrgd_jax.cli.recommend_results import (
    evaluate_baseline,
    evaluation_settings,
    group_results,
    headline_metrics,
    intervals,
    write_explanation,
)
from lrgd_jax.cli.recommend_with_model import with_model
from lrgd_jax.cli.terminal import results_console, write_line

__all__ = ["recommend"]

recommend = typer.Typer(
    name="recommend",
    help="The in-context recommender: attention over past users' transitions, no weight trained.",
    no_args_is_help=True,
)

for command in (query, lists, with_model, update, erase, add_item, compact):
    recommend.command(epilog=CODES)(command)

BATCH = 256
"""Validation queries in a batch of `learn`."""


class EvaluatedPart(enum.StrEnum):
    """Parts of a split whose queries can be evaluated."""

    VALID = "valid"
    TEST = "test"


@recommend.command(epilog=CODES)
def fit(
    out: Annotated[Path, typer.Option("--out", help="The file of the recommender.")],
    data: Data = None,
    form: Form = "linear",
    meta: MetaFile = None,
    seed: Seed = 0,
    ties: Ties = "basket",
    ties_seed: TiesSeed = None,
    json: JsonFile = None,
) -> None:
    """Read everybody's history, without the test items where only the order is known, and save the recommender."""
    from lrgd_jax.recommend.serving.storage import require_no_log, save_recommender

    require_writable({"--out": out, "--json": json})
    require_no_log(out)
    recommender = fit_recommender(read_split(data, seed, read_ties(ties, ties_seed)), "test", form, read_meta(meta))
    save_recommender(recommender, out)
    users, items = len(recommender.memory.histories), len(recommender.catalogue)
    write_line(f"{out}: {users} users, {items} items")
    counted = int(recommender.memory.counts.sum())
    write_json_result(json, {"out": str(out), "users": users, "items": items, "interactions": counted})


@recommend.command(epilog=CODES)
def evaluate(
    data: Data = None,
    model: Model = None,
    form: Form = "linear",
    meta: MetaFile = None,
    split: Annotated[
        EvaluatedPart, typer.Option("--split", help="Choices are made on valid, results reported on test.")
    ] = (EvaluatedPart.TEST),
    baseline: Annotated[bool, typer.Option("--baseline", help="Compare with item-kNN and popularity.")] = False,
    seed: Seed = 0,
    ties: Ties = "basket",
    ties_seed: TiesSeed = None,
    json: JsonFile = None,
) -> None:
    """Rank the whole catalogue for every query: hit rate and NDCG, equal scores at their mean rank, seen items out.

    On all targets, on those with a time of their own, and on those that share it with the item before.
    """
    import time

    from lrgd_jax.recommend.data import folder_layouts, generator  # noqa: F401  # imported before the clock starts
    from lrgd_jax.recommend.measure.evaluation import evaluate as measure
    from lrgd_jax.report.rows_table import rows_table

    require_writable({"--json": json})
    require_one_of_model_and_meta(model, meta)
    start, busy = time.perf_counter(), time.process_time()
    cut = read_split(data, seed, read_ties(ties, ties_seed))
    if model is None:
        recommender = fit_recommender(cut, split.value, form, read_meta(meta))
    else:
        recommender = load_for_split(model, cut)
    measured = measure(recommender, cut, split.value)
    result = measured.summary()
    scoring, result["seconds"] = result["seconds"], time.perf_counter() - start
    result["seconds_cpu"] = time.process_time() - busy
    result |= evaluation_settings(recommender, data, scoring) | {"ties": ties, "ties seed": ties_seed}
    other = evaluate_baseline(cut, split.value) if baseline else None
    result |= intervals(measured, other, seed)
    groups = group_results(measured, other, seed)
    flat = {f"{measure}, {name}": value for name, group in groups.items() for measure, value in group.items()}
    results_console().print(rows_table(["measure", ""], (result | flat).items()))
    write_json_result(json, result | {"targets": groups})


@recommend.command(epilog=CODES)
def learn(
    data: Data = None,
    steps: Annotated[int, typer.Option("--steps", help="Number of steps of Adam.")] = 120,
    batches: Annotated[
        int,
        typer.Option(
            "--batches", help="Number of batches of 256 validation queries each, of all where they are fewer."
        ),
    ] = 12,
    rate: Annotated[float, typer.Option("--rate", help="Learning rate of Adam.")] = 0.03,
    plain: Annotated[bool, typer.Option("--plain", help="Start from numbers set by hand, not the shipped.")] = False,
    temperature: Annotated[float, typer.Option("--temperature", help="Temperature of the smooth NDCG.")] = 0.02,
    seed: Seed = 0,
    ties: Ties = "basket",
    ties_seed: TiesSeed = None,
    json: JsonFile = None,
) -> None:
    """Learn the few meta-parameters on validation queries, through the dual.

    The result holds what was learned if NDCG@10 on all validation queries is higher than before, else the start.
    """
    from dataclasses import asdict

    from lrgd_jax.cli.terminal import progress_bar
    from lrgd_jax.recommend.forms.meta_parameters import PLAIN
    from lrgd_jax.recommend.learning.meta_learning import learn_meta
    from lrgd_jax.recommend.measure.evaluation import evaluate as measure
    from lrgd_jax.report.rows_table import rows_table

    require_at_least_one({"--steps": steps, "--batches": batches})
    require_positive({"--rate": rate, "--temperature": temperature})
    require_writable({"--json": json})
    rule = read_ties(ties, ties_seed)
    with progress_bar() as bar:
        cut, task = read_split(data, seed, rule), bar.add_task("learn", total=steps)
        before = fit_recommender(cut, "valid", "linear", PLAIN if plain else None)
        learned = learn_meta(
            cut.catalogue,
            cut.context("valid"),
            cut.valid,
            start=before.meta,
            steps=steps,
            batches=batches,
            batch=min(BATCH, len(cut.valid)),
            learning_rate=rate,
            temperature=temperature,
            seed=seed,
            progress=lambda done, _: bar.update(task, completed=done),
        )
        after = fit_recommender(cut, "valid", "linear", learned.meta)
        hits, gain = headline_metrics(measure(before, cut, "valid"))
        gains = {
            f"{metric} {name}": measure(one, cut, "valid").summary()[metric]
            for metric in (hits, gain)
            for name, one in (("before", before), ("after", after))
        }
        better = gains[f"{gain} after"] > gains[f"{gain} before"]
        meta = asdict(learned.meta if better else before.meta)
        result = {"meta": meta, "kept": "learned" if better else "start", "split": "valid"}
        result |= {"ties": ties, "ties seed": ties_seed, **gains}
        result["losses"] = learned.losses.tolist()
    results_console().print(rows_table(["measure", ""], {**meta, "kept": result["kept"], **gains}.items()))
    write_json_result(json, result)


@recommend.command(epilog=CODES)
def explain(
    user: Annotated[str, typer.Option("--user", help="A known user.")],
    item: Annotated[str, typer.Option("--item", help="The name of an item.")],
    data: Data = None,
    model: Model = None,
    form: Form = "linear",
    meta: MetaFile = None,
    seed: Seed = 0,
    time: Time = None,
    top: Annotated[int, typer.Option("--top", help="Number of parts that are shown.")] = 15,
    json: JsonFile = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one page that needs nothing else to this file.")
    ] = None,
    png: Annotated[Path | None, typer.Option("--png", help="Draw the largest parts into this file.")] = None,
) -> None:
    """Name the past users and transitions that make the score of an item; all parts sum to the score."""
    from lrgd_jax.recommend.serving.named_explanation import explain_by_name
    from lrgd_jax.report.recommendation_table import recommendation_heading, recommendation_table

    require_writable({"--json": json, "--html": html, "--png": png})
    require_at_least_one({"--top": top})
    explanation = explain_by_name(load_or_fit_recommender(model, data, seed, form, meta), user, item, time)
    write_line(recommendation_heading(explanation))
    results_console().print(recommendation_table(explanation, top))
    write_explanation(explanation, top, json, html, png)
