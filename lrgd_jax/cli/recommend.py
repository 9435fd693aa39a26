"""`lrgd recommend`: fit, query, evaluate and explain the in-context recommender."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from lrgd_jax.cli.errors import CODES
from lrgd_jax.cli.recommend_inputs import check_files, fit_recommender, load_or_fit_recommender, read_meta, read_split
from lrgd_jax.cli.recommend_output import compared, described, keep, show_reasons, show_table, write_reasons
from lrgd_jax.recommend.forms.registry import FORMS

__all__ = ["recommend"]

recommend = typer.Typer(
    name="recommend",
    help="The in-context recommender: attention over past users' transitions, no weight trained.",
    no_args_is_help=True,
)

Data = Annotated[Path | None, typer.Option("--data", help="A folder of data; a generated catalogue unless given.")]
Model = Annotated[Path | None, typer.Option("--model", help="A file that `lrgd recommend fit` wrote.")]
Form = Annotated[str, typer.Option("--form", help=f"{', '.join([*FORMS][:-1])} or {[*FORMS][-1]}.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the generated catalogue.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the result to this file.")]
MetaFile = Annotated[Path | None, typer.Option("--meta", help="Meta-parameters that `lrgd recommend learn` wrote.")]
Time = Annotated[int | None, typer.Option("--time", help="Seconds since 1970: only what was before counts.")]


class Asked(enum.StrEnum):
    """A part of a split."""

    VALID = "valid"
    TEST = "test"


@recommend.command(epilog=CODES)
def fit(
    out: Annotated[Path, typer.Option("--out", help="The file of the recommender.")],
    data: Data = None,
    form: Form = "linear",
    meta: MetaFile = None,
    seed: Seed = 0,
) -> None:
    """Read everybody's history, without the test items where only the order is known, and save the recommender."""
    from lrgd_jax.recommend.serving.storage import save_recommender

    check_files({"--out": out})
    recommender = fit_recommender(read_split(data, seed), "test", form, read_meta(meta))
    save_recommender(recommender, out)
    typer.echo(f"{out}: {len(recommender.memory.histories)} users, {len(recommender.catalogue)} items")


@recommend.command(epilog=CODES)
def query(
    user: Annotated[str | None, typer.Option("--user", help="A known user.")] = None,
    history: Annotated[str | None, typer.Option("--history", help="Names of items, oldest first, by commas.")] = None,
    k: Annotated[int, typer.Option("-k", "--k", help="How many items.")] = 10,
    data: Data = None,
    model: Model = None,
    form: Form = "linear",
    seed: Seed = 0,
    time: Time = None,
    json: Json = None,
) -> None:
    """Show the items that a user, or a history, is recommended."""
    from lrgd_jax.recommend.serving.name_lookup import number_of

    check_files({"--json": json})
    if (user is None) == (history is None):
        raise ValueError("give either --user, the name of a known user, or --history, names of items with commas")
    recommender = load_or_fit_recommender(model, data, seed, form)
    past = None
    if history is not None:
        names = [name.strip() for name in history.split(",") if name.strip()]
        past = [number_of("item", name, recommender.item_numbers) for name in names]
    found = recommender.recommend(user, k, history=past, time=time)
    catalogue = recommender.catalogue
    rows = [
        {"item": catalogue.names[item], "title": catalogue.title(item), "score": score}
        for item, score in zip(found.items.tolist(), found.scores.tolist(), strict=True)
    ]
    show_table(["place", "item", "title", "score"], [[i + 1, *row.values()] for i, row in enumerate(rows)])
    keep(json, {"user": user, "k": k, "items": rows})


@recommend.command(epilog=CODES)
def evaluate(
    data: Data = None,
    model: Model = None,
    form: Form = "linear",
    meta: MetaFile = None,
    split: Annotated[Asked, typer.Option("--split", help="Choices are made on valid, results reported on test.")] = (
        Asked.TEST
    ),
    baseline: Annotated[bool, typer.Option("--baseline", help="Compare with item-kNN and popularity.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Rank the whole catalogue for every query: hit rate and NDCG, ties at their mean rank, seen items excluded."""
    import time

    from lrgd_jax.recommend.data import folder_layouts, generator  # noqa: F401  # imported before the clock starts
    from lrgd_jax.recommend.measure.evaluation import evaluate as measure
    from lrgd_jax.recommend.serving.storage import load_recommender

    check_files({"--json": json})
    if model is not None and meta is not None:
        raise ValueError("a recommender of a file has its own meta-parameters; give --model or --meta, not both")
    start, busy = time.perf_counter(), time.process_time()
    cut = read_split(data, seed)
    found = (
        fit_recommender(cut, split.value, form, read_meta(meta))
        if model is None
        else load_recommender(model, cut.catalogue)
    )
    measured = measure(found, cut, split.value)
    result = measured.summary()
    scoring, result["seconds"] = result["seconds"], time.perf_counter() - start
    result["seconds_cpu"] = time.process_time() - busy
    result |= described(found, data, scoring)
    for metric in ("HR@10", "NDCG@10"):
        interval = measured.interval(metric, seed=seed)
        result[f"{metric} interval"] = [interval.low, interval.high]
    if baseline:
        result |= compared(measured, cut, seed)
    show_table(["measure", ""], [[name, value] for name, value in result.items()])
    keep(json, result)


@recommend.command(epilog=CODES)
def learn(
    data: Data = None,
    steps: Annotated[int, typer.Option("--steps", help="Of Adam.")] = 120,
    batches: Annotated[int, typer.Option("--batches", help="Of 256 validation queries each.")] = 12,
    rate: Annotated[float, typer.Option("--rate", help="Of Adam.")] = 0.03,
    plain: Annotated[bool, typer.Option("--plain", help="Start from numbers set by hand, not the shipped.")] = False,
    temperature: Annotated[float, typer.Option("--temperature", help="Of the smooth NDCG.")] = 0.02,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Learn the few meta-parameters on validation queries, through the dual.

    The result holds what was learned if NDCG@10 on all validation queries is higher than before, else the start.
    """
    from dataclasses import asdict

    from lrgd_jax.cli.terminal import progress_bar
    from lrgd_jax.recommend.forms.meta_parameters import PLAIN
    from lrgd_jax.recommend.learning.meta_learning import learn_meta
    from lrgd_jax.recommend.measure.evaluation import evaluate as measure

    with progress_bar() as bar:
        check_files({"--json": json})
        cut, task = read_split(data, seed), bar.add_task("learn", total=steps)
        before = fit_recommender(cut, "valid", "linear", PLAIN if plain else None)
        found = learn_meta(
            cut.catalogue,
            cut.context("valid"),
            cut.valid,
            start=before.meta,
            steps=steps,
            batches=batches,
            learning_rate=rate,
            temperature=temperature,
            seed=seed,
            progress=lambda done, _: bar.update(task, completed=done),
        )
        after = fit_recommender(cut, "valid", "linear", found.meta)
        gains = {
            f"{metric} {name}": measure(one, cut, "valid").summary()[metric]
            for metric in ("HR@10", "NDCG@10")
            for name, one in (("before", before), ("after", after))
        }
        better = gains["NDCG@10 after"] > gains["NDCG@10 before"]
        meta = asdict(found.meta if better else before.meta)
        result = {"meta": meta, "kept": "learned" if better else "start", "split": "valid", **gains}
        result["losses"] = found.losses.tolist()
    show_table(["measure", ""], [[name, value] for name, value in {**meta, "kept": result["kept"], **gains}.items()])
    keep(json, result)


@recommend.command(epilog=CODES)
def explain(
    user: Annotated[str, typer.Option("--user", help="A known user.")],
    item: Annotated[str, typer.Option("--item", help="The name of an item.")],
    data: Data = None,
    model: Model = None,
    form: Form = "linear",
    seed: Seed = 0,
    time: Time = None,
    top: Annotated[int, typer.Option("--top", help="How many parts are shown.")] = 15,
    json: Json = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one page that needs nothing else.")] = None,
    png: Annotated[Path | None, typer.Option("--png", help="Draw the largest parts.")] = None,
) -> None:
    """Name the past users and transitions that make the score of an item; all parts sum to the score."""
    from lrgd_jax.recommend.serving.named_explanation import explain_by_name

    check_files({"--json": json, "--html": html, "--png": png})
    if top < 1:
        raise ValueError(f"--top must be at least 1, got {top}")
    found = explain_by_name(load_or_fit_recommender(model, data, seed, form), user, item, time)
    show_reasons(found, top)
    write_reasons(found, top, json, html, png)
