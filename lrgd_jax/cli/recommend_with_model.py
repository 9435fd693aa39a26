"""`lrgd recommend with-model`: a language model ranks a shortlist by its titles, after a few demonstrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.files import require_writable, write_json_result
from lrgd_jax.cli.options import LARGEST_SEED, JsonFile, require_at_least_one
from lrgd_jax.cli.recommend_inputs import read_split
from lrgd_jax.cli.recommend_options import Data
from lrgd_jax.cli.terminal import progress_bar, results_console, write_line

if TYPE_CHECKING:
    from lrgd_jax.language_recommender import LanguageRecommendation, LanguageRecommender

__all__ = ["with_model"]


def with_model(
    model: Annotated[str, typer.Argument(help="A Hugging Face directory, a GGUF file, or smollm2.")],
    user: Annotated[str, typer.Option("--user", help="A known user.")],
    data: Data = None,
    template: Annotated[
        str, typer.Option("--template", help="Name of a template of prompts, or a TOML file; a wrong name lists all.")
    ] = "log",
    selector: Annotated[
        str, typer.Option("--selector", help="Who chooses the demonstrations; a wrong name lists all.")
    ] = "attention",
    demonstrations: Annotated[int, typer.Option("--demonstrations", help="Number of demonstrations; 0 is none.")] = 4,
    candidates: Annotated[
        int,
        typer.Option("--candidates", help="Number of items, the best of the one-step recommender, that are ranked."),
    ] = 100,
    k: Annotated[int, typer.Option("-k", "--k", help="Number of items that are listed.")] = 10,
    calibrated: Annotated[
        bool, typer.Option("--calibrated", help="Take off how likely each title is without any history.")
    ] = False,
    history: Annotated[int, typer.Option("--history", help="Latest titles of the user that are written.")] = 5,
    told: Annotated[int, typer.Option("--told", help="Latest titles of each demonstration's history.")] = 3,
    title_tokens: Annotated[int, typer.Option("--title-tokens", help="Tokens that are kept of a title.")] = 12,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", min=0, max=LARGEST_SEED, help="Seed of the generated catalogue, and of selectors that draw."
        ),
    ] = 0,
    json: JsonFile = None,
) -> None:
    """Rank the best items of the one-step recommender by how likely a language model finds their titles.

    The demonstrations are other users' histories with what came next. Each is shown with its effect on the title that
    stands first: positive means that it made this title likelier, to first order in its learning rate.
    """
    from lrgd_jax.decoder.loading import load_decoder
    from lrgd_jax.language_recommender import LanguageRecommender, ListRequest, load_template, selector_named

    require_writable({"--json": json})
    numbers = {
        "--candidates": candidates,
        "-k": k,
        "--history": history,
        "--told": told,
        "--title-tokens": title_tokens,
    }
    require_at_least_one(numbers)
    if demonstrations < 0:
        raise ValueError(f"--demonstrations must be at least 0, got {demonstrations}")
    wanted = ListRequest(
        candidates=candidates,
        selector=selector,
        demonstrations=demonstrations,
        k=min(k, candidates),
        calibrated=calibrated,
        seed=seed,
    )
    selector_named(selector, served=True)
    with progress_bar() as bar:
        task = bar.add_task("data", total=None)
        written, split = load_template(template), read_split(data, seed)
        bar.update(task, description="weights")
        lengths = {"history": history, "told": told, "longest": title_tokens}
        shop = LanguageRecommender.of(load_decoder(model), split, written, **lengths)
        bar.update(task, description="titles")
        made = shop.recommend_to(user, wanted)
    _show(shop, made)
    settings = {"model": model, "user": user, "template": template, "selector": selector, "candidates": candidates}
    write_json_result(json, settings | {"calibrated": calibrated} | _content(shop, made))


def _show(shop: LanguageRecommender, made: LanguageRecommendation) -> None:
    from lrgd_jax.report.rows_table import rows_table

    items = [[place, *one.values()] for place, one in enumerate(_items(shop, made), 1)]
    results_console().print(rows_table(["place", "item", "title", "score"], items))
    told = [["; ".join(had), took, effect] for had, took, effect in _demonstrations(shop, made)]
    if told:
        results_console().print(rows_table(["demonstration: had", "then took", "effect"], told))
    write_line(f"{made.cost.passes:.3g} forward passes, {made.cost.tokens:.0f} tokens")


def _content(shop: LanguageRecommender, made: LanguageRecommendation) -> dict[str, object]:
    """What was recommended and shown, for JSON."""
    told = [{"history": had, "next": took, "effect": effect} for had, took, effect in _demonstrations(shop, made)]
    cost = {"passes": made.cost.passes, "tokens": made.cost.tokens}
    return {"items": _items(shop, made), "demonstrations": told, "prompt": made.prompt, "cost": cost}


def _items(shop: LanguageRecommender, made: LanguageRecommendation) -> list[dict[str, object]]:
    """Name, title and score of every item of the list."""
    names, title = shop.pool.catalogue.names, shop.pool.catalogue.title
    pairs = zip(made.items.tolist(), made.scores.tolist(), strict=True)
    return [{"item": names[item], "title": title(item), "score": score} for item, score in pairs]


def _demonstrations(shop: LanguageRecommender, made: LanguageRecommendation) -> list[tuple[list[str], str, float]]:
    """The titles of each one's history, the title that came next, and the effect."""
    title, most, there = shop.pool.catalogue.title, shop.writer.told, shop.writer.titles.there
    pairs = zip(made.demonstrations.transitions, made.effects.tolist(), strict=True)
    return [
        ([title(item) for item in one.history if there[item]][-most:], title(one.target), effect)
        for one, effect in pairs
    ]
