"""Rates refined on what each user took lately, with a guard and without; perturbed demonstrations at lower rates."""

from collections.abc import Iterator, Mapping

import numpy as np

from lrgd_jax.effect.evaluation import losses_at
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.experiments.llm_demonstrations.asking import Shop, asked_queries, numbers_of, read_pool, shop_of
from lrgd_jax.experiments.llm_demonstrations.config import set_name
from lrgd_jax.experiments.llm_demonstrations.measures import units as user_units
from lrgd_jax.experiments.llm_two_stage.config import PATHS, RATES, Config, adaptation_of, selection_config
from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.language_recommender import TitledTransition, answer_loss
from lrgd_jax.language_recommender.demonstration_perturbations import PERTURBATIONS
from lrgd_jax.language_recommender.rate_adaptation import adapt_rates, prompt_collapse, rolling_window
from lrgd_jax.recommend.data.dataset import Queries

__all__ = ["run_unit", "units"]


def units(config: Config) -> list[str]:
    """Some users of one set a unit; the sets take turns."""
    return user_units(selection_config(config))


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a user, path and update; then one a user, perturbation and rate.

    Raises:
        ValueError: there is no such unit.
        FileNotFoundError: the model or the data are not there.
    """
    seed, name = seed_and_rest(unit, units(config))
    chosen, first = name.rsplit("/", 1)
    data = next(folder for folder in config.data if set_name(folder) == chosen)
    of_users = selection_config(config)
    shop = shop_of(of_users, data)
    queries = asked_queries(shop, shop.split.test, config.users, seed)
    rows = []
    for number in numbers_of(int(first), of_users):
        if number < len(queries):
            common = {"seed": seed, "data": chosen, "user": int(queries.users[number])}
            rows += [{**common, **row} for row in _user(config, shop, queries, int(number))]
    return rows


def _user(config: Config, shop: Shop, queries: Queries, number: int) -> Iterator[Mapping[str, Value]]:
    read = read_pool(selection_config(config), shop, queries, number, None)
    writer, history, target = read.writer, read.history, int(queries.targets[number])
    # the best one stands next to the question
    told = read.asked.transitions[::-1]

    def loss_of(demonstrations: list[TitledTransition], item: int) -> PromptLoss:
        return answer_loss(writer, writer.prompt(history, demonstrations), item, room=writer.longest)

    wanted = loss_of(told, target)
    window = rolling_window(writer, history, told, config.window)
    zero = float(losses_at(wanted, np.zeros((1, len(told))))[0])
    for path in PATHS:
        adaptation = adaptation_of(config, guarded=path == "guarded")
        for update, rates in enumerate(adapt_rates(window, adaptation, config.updates)):
            state = prompt_collapse(wanted, rates)
            yield {
                "part": path,
                "update": update,
                "NLL": float(losses_at(wanted, rates[None])[0]),
                "NLL without": zero,
                "NLL of the window": float(np.mean([losses_at(one, rates[None])[0] for one in window])),
                "voices": state.voices / len(rates),
                "largest share": state.largest,
                "effective rank": state.rank,
            }
    rng = np.random.default_rng(number)
    items = rng.permutation(np.flatnonzero(writer.titles.there))
    items = items[items != target].tolist()
    kinds = {"as they are": told, **{name: change(told, items, rng) for name, change in PERTURBATIONS.items()}}
    for kind, demonstrations in kinds.items():
        titled = [one if writer.titles.there[one.target] else told[i] for i, one in enumerate(demonstrations)]
        losses, pushed = loss_of(titled, target), loss_of(titled, items[0])
        for name, rate in RATES.items():
            at = np.full((1, len(told)), rate)
            yield {
                "part": "perturbed",
                "kind": kind,
                "rates": name,
                "NLL": float(losses_at(losses, at)[0]),
                "NLL without": zero,
                "NLL of the advertised": float(losses_at(pushed, at)[0]),
            }
