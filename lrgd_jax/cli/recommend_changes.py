"""`lrgd recommend update`, `erase`, `add-item` and `compact`: changes of a saved recommender that survive a crash."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.files import require_writable, write_json_result
from lrgd_jax.cli.options import JsonFile
from lrgd_jax.cli.terminal import write_line

if TYPE_CHECKING:
    from lrgd_jax.recommend.serving.recommender import Recommender

__all__ = ["add_item", "compact", "erase", "update"]

Model = Annotated[Path, typer.Option("--model", help="A file that `lrgd recommend fit` wrote.")]
User = Annotated[str, typer.Option("--user", help="The user's name.")]


def update(
    model: Model,
    user: User,
    item: Annotated[list[str], typer.Option("--item", help="The name of an item; may be repeated, oldest first.")],
    time: Annotated[
        list[int] | None, typer.Option("--time", help="Seconds since 1970, one an item, where the data have times.")
    ] = None,
    together: Annotated[bool, typer.Option("--together", help="The items came at one time.")] = False,
    json: JsonFile = None,
) -> None:
    """Add interactions of a user, who may be new; they are on the disk, in MODEL.updates, when the command ends."""
    require_writable({"--json": json})
    with _opened(model) as recommender:
        recommender.update(user, item, time, together=together)
        length = len(recommender.history(user))
        write_line(f"{model}: user {user} has {length} items; change {recommender.catch_up()} is kept")
        write_json_result(json, {"user": user, "items": length, "change": recommender.catch_up()})


def erase(model: Model, user: User, json: JsonFile = None) -> None:
    """Forget a user, exactly; from the disk with `lrgd recommend compact`."""
    require_writable({"--json": json})
    with _opened(model) as recommender:
        users = len(recommender.erase(user).memory.histories)
        write_line(f"{model}: user {user} is erased, {users} users are left; change {recommender.catch_up()} is kept")
        write_json_result(json, {"user": user, "users": users, "change": recommender.catch_up()})


def add_item(
    model: Model,
    item: Annotated[str, typer.Option("--item", help="The name of the new item.")],
    title: Annotated[str | None, typer.Option("--title", help="Its text, where the items have texts.")] = None,
    json: JsonFile = None,
) -> None:
    """Add an item to the catalogue; where items are compared by their texts, its text recommends it at once."""
    require_writable({"--json": json})
    with _opened(model) as recommender:
        items = len(recommender.add_items([item], None if title is None else [title]).catalogue)
        write_line(f"{model}: {items} items; change {recommender.catch_up()} is kept")
        write_json_result(json, {"item": item, "items": items, "change": recommender.catch_up()})


def compact(model: Model, json: JsonFile = None) -> None:
    """Write what happened since into the file itself, so that erased users are gone from the disk."""
    require_writable({"--json": json})
    with _opened(model) as recommender:
        changes = recommender.compact().catch_up()
        write_line(f"{model}: holds all {changes} changes")
        write_json_result(json, {"model": str(model), "changes": changes})


@contextlib.contextmanager
def _opened(model: Path) -> Iterator[Recommender]:
    from lrgd_jax.recommend.serving.recommender import Recommender

    with contextlib.closing(Recommender.open(model)) as recommender:
        yield recommender
