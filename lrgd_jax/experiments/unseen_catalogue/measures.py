"""Weights trained on some catalogues, asked about others: what demonstrations add, and whose step a layer makes."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.experiments.unseen_catalogue.config import GENERATED, Config
from lrgd_jax.experiments.unseen_catalogue.single_steps import step_rows
from lrgd_jax.item_models.demonstration_choice import Choice
from lrgd_jax.item_models.evaluation import Shown, UnseenTest, answer, new_items, outputs_of, show, unseen_test
from lrgd_jax.item_models.stack import Design, Params
from lrgd_jax.item_models.training import Schedule, train
from lrgd_jax.item_models.training_data import CataloguePool, EpisodeSizes
from lrgd_jax.item_models.unseen_catalogue import UnseenCatalogue, pools_of, unseen_catalogue_task
from lrgd_jax.recommend.data.dataset import Split
from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.data.ties import TieRule
from lrgd_jax.recommend.measure.metrics import ndcg

__all__ = ["run_unit", "units"]

SIGNATURE = 128


class Values(NamedTuple):
    """Of every question: minus the target's log-probability, and NDCG@10."""

    nll: Float[np.ndarray, " q"]
    ndcg: Float[np.ndarray, " q"]


def units(config: Config) -> list[str]:
    """One unit a seed and design."""
    return [f"seed={seed}/{design}" for seed in range(config.seeds) for design in config.designs]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """Rows of answers, and of single steps.

    Raises:
        ValueError: there is no such unit, or a catalogue has no vectors.
        FileNotFoundError: there are no data.
    """
    seed, name = seed_and_rest(unit, units(config))
    rows: list[dict[str, Value]] = []
    for ties in config.ties if seed == 0 else config.ties[:1]:
        for data in config.test:
            own = {"seed": seed, "ties": ties, "data": Path(data).name.removeprefix("amazon_")}
            rows += [{**own, "design": name, **row} for row in _answers(config, seed, ties, data, name)]
    return [*rows, _training_row(config, seed, name)]


def _training_row(config: Config, seed: int, name: str) -> dict[str, Value]:
    losses, steps = _trained(config, seed, name)[1:]
    return {"kind": "training", "seed": seed, "design": name, "steps": steps, "before": losses[0], "after": min(losses)}


def _answers(config: Config, seed: int, ties: str, data: str, name: str) -> list[dict[str, Value]]:
    alone = _values(config, seed, ties, data, name, 0, "similar")
    rows = [_row(alone, alone, 0, "similar")]
    asked: list[tuple[int, Choice]] = [(config.demonstrations, "similar")]
    if ties == config.ties[0]:
        asked.append((config.demonstrations, "random"))
    if name in config.curve_designs and seed == 0:
        asked.extend((count, "similar") for count in config.curve)
    for count, choice in asked:
        rows.append(_row(_values(config, seed, ties, data, name, count, choice), alone, count, choice))
    if ties == config.ties[0] and name.endswith("-1"):
        params, test = _trained(config, seed, name)[0], _test(config, ties, data)
        shown = Shown(_shown(config, ties, data, "similar").rows[: config.duals, : config.demonstrations])
        rows += step_rows(params, _design(name), test, shown, new_items(test, SIGNATURE, seed))
    return rows


def _row(values: Values, alone: Values, count: int, choice: str) -> dict[str, Value]:
    row: dict[str, Value] = {"kind": "answers", "demonstrations": count, "choice": choice}
    for what, one, other in (("ndcg", values.ndcg, alone.ndcg), ("nll", values.nll, alone.nll)):
        gap = one - other
        row |= {what: float(one.mean()), f"{what}_gain": float(gap.mean())}
        row |= {f"{what}_error": float(gap.std(ddof=1) / np.sqrt(len(gap)))}
    return row


def _values(config: Config, seed: int, ties: str, data: str, name: str, count: int, choice: Choice) -> Values:
    params, test = _trained(config, seed, name)[0], _test(config, ties, data)
    rows = _shown(config, ties, data, choice).rows
    # without demonstrations a place is left, and nothing stands there
    shown = Shown(rows[:, :count] if count else np.full_like(rows[:, :1], -1))
    items = new_items(test, SIGNATURE, seed)
    answers = answer(params, items, test, outputs_of(params, _design(name), items, test, shown)[:, -1])
    return Values(answers.losses, ndcg(answers.where, 10))


@lru_cache(maxsize=32)
def _trained(config: Config, seed: int, name: str) -> tuple[Params, list[float], int]:
    """The parameters, the losses on the training catalogues' validation questions, and the steps done."""
    schedule = Schedule(config.steps, 20, 4)
    setting = UnseenCatalogue(_design(name), _sizes(config), schedule, signature=SIGNATURE, seed=seed)
    state = train(unseen_catalogue_task(setting, _pools(config)), schedule)
    checked = state.validation_losses[np.isfinite(state.validation_losses)]
    return state.best, [float(x) for x in checked], int(state.step)


@lru_cache(maxsize=1)
def _pools(config: Config) -> list[CataloguePool]:
    splits = {data: _split(data, "basket", 1) for data in config.train}
    return pools_of(splits, _sizes(config), seed=0)


@lru_cache(maxsize=4)
def _test(config: Config, ties: str, data: str) -> UnseenTest:
    split = _split(data, ties, 2)
    return unseen_test(split, window=config.window, users=config.users, seed=0, where=data)


@lru_cache(maxsize=8)
def _shown(config: Config, ties: str, data: str, choice: Choice) -> Shown:
    most = max(config.demonstrations, *(config.curve if choice == "similar" else (1,)))
    return show(_test(config, ties, data), most, choice, seed=0)


def _split(data: str, ties: str, seed: int) -> Split:
    return generate_split(seed, 150, 100) if data == GENERATED else load_split(data, _RULES[ties])


_RULES: Mapping[Any, TieRule] = {kind: TieRule(kind) for kind in ("basket", "as-stored")}


def _sizes(config: Config) -> EpisodeSizes:
    return EpisodeSizes(config.window, config.demonstrations, questions=config.questions)


def _design(name: str) -> Design:
    kind, _, layers = name.rpartition("-")
    return Design(kind, int(layers))
