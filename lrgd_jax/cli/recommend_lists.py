"""`lrgd recommend query` and `lists`: the items for one user, and those for many as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.files import complain_if_unwritable, require_writable, write_json_result
from lrgd_jax.cli.options import JsonFile
from lrgd_jax.cli.recommend_inputs import load_or_fit_recommender, read_names, split_names
from lrgd_jax.cli.recommend_options import Data, Form, MetaFile, Model, Seed, Time
from lrgd_jax.cli.terminal import progress_bar, results_console, write_line

if TYPE_CHECKING:
    import polars as pl

__all__ = ["lists", "query"]

SHOWN = 64
"""The bar moves once for so many lists; to draw it takes longer than a list."""

K = Annotated[int | None, typer.Option("-k", "--k", help="Number of items; 10, or the whole catalogue, unless given.")]
Seen = Annotated[bool, typer.Option("--seen", help="Items that the user has had may be in the list, too.")]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", help="The only items that may be listed: names with commas between, or @FILE, one a line."),
]
Deny = Annotated[
    list[str] | None,
    typer.Option("--deny", help="Items that may not be listed: names with commas between, or @FILE, one a line."),
]


def query(
    user: Annotated[str | None, typer.Option("--user", help="A known user.")] = None,
    history: Annotated[
        list[str] | None,
        typer.Option(
            "--history",
            help="Names of items, oldest first, with commas between, a name with a comma in quotes; may be repeated.",
        ),
    ] = None,
    k: K = None,
    seen: Seen = False,
    allow: Allow = None,
    deny: Deny = None,
    data: Data = None,
    model: Model = None,
    form: Form = "linear",
    meta: MetaFile = None,
    seed: Seed = 0,
    time: Time = None,
    json: JsonFile = None,
) -> None:
    """Show the items that a user, or a history, is recommended."""
    from dataclasses import asdict

    from lrgd_jax.report.rows_table import rows_table

    require_writable({"--json": json})
    if (user is None) == (not history):
        raise ValueError("give either --user, the name of a known user, or --history, names of items with commas")
    recommender = load_or_fit_recommender(model, data, seed, form, meta)
    known = recommender.item_numbers
    past = [name for text in history for name in split_names(text, known)] if history else None
    wishes = {"allow": read_names("--allow", allow, known), "deny": read_names("--deny", deny, known)}
    recommended = recommender.recommend(user, k, history=past, time=time, seen=seen, **wishes)
    rows = [asdict(row) for row in recommended.rows]
    head = ["place", "item", "title", "score", *(["had"] if seen else [])]
    table = rows_table(head, [[_word(row[name]) for name in head] for row in rows])
    results_console().print(table)
    kept = ["item", "title", "score", *(["had"] if seen else [])]
    items = [{name: row[name] for name in kept} for row in rows]
    write_json_result(json, {"user": user, "k": len(rows) if k is None else k, "items": items})


def lists(
    out: Annotated[Path, typer.Option("--out", help="A file that ends in .parquet or .csv.")],
    users: Annotated[
        list[str] | None,
        typer.Option("--users", help="Names with commas between, or @FILE, one a line; everybody unless given."),
    ] = None,
    k: K = None,
    seen: Seen = False,
    allow: Allow = None,
    deny: Deny = None,
    data: Data = None,
    model: Model = None,
    form: Form = "linear",
    meta: MetaFile = None,
    seed: Seed = 0,
    json: JsonFile = None,
) -> None:
    """Write the items that many users are recommended: columns user, place, item, title where there are any, score."""
    import time

    require_writable({"--out": out, "--json": json})
    if out.suffix not in (".parquet", ".csv"):
        raise ValueError(f"--out {out}: expected a name that ends in .parquet or .csv")
    recommender = load_or_fit_recommender(model, data, seed, form, meta)
    known = recommender.item_numbers
    wishes = {"allow": read_names("--allow", allow, known), "deny": read_names("--deny", deny, known)}
    named = read_names("--users", users, recommender.memory.histories)
    start = time.perf_counter()
    with progress_bar() as bar:
        task = bar.add_task("lists", total=len(recommender.memory.histories if named is None else named))
        table = recommender.recommend_many(
            named, k, seen=seen, **wishes, progress=lambda done: done % SHOWN or bar.update(task, completed=done)
        )
    seconds = time.perf_counter() - start
    _write_table(table, out)
    count = table["user"].n_unique()
    write_line(f"{out}: {len(table)} items for {count} users, in {seconds:.3g} s")
    write_json_result(json, {"out": str(out), "users": count, "rows": len(table), "seconds": seconds})


def _write_table(table: pl.DataFrame, out: Path) -> None:
    from lrgd_jax.atomic import atomic_write

    with complain_if_unwritable(f"--out {out}"), atomic_write(out) as written:
        if out.suffix == ".parquet":
            table.write_parquet(written)
        else:
            table.write_csv(written)


def _word(value: object) -> object:
    return {True: "yes", False: ""}[value] if isinstance(value, bool) else value
