"""Every selector, number, order and format of demonstrations on the same users: the wanted title, and its rank."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lrgd_jax.effect.prompt import Prompt
from lrgd_jax.experiments.llm_demonstrations.asking import (
    Shop,
    asked_queries,
    numbers_of,
    predictor_of,
    read_pool,
    shop_of,
)
from lrgd_jax.experiments.llm_demonstrations.config import FORMATS, Config, set_name
from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.language_recommender import (
    SELECTORS,
    AskedDemonstrations,
    PromptWriter,
    ReadPool,
    own_likings,
    removal_effects,
    score_titles,
)
from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg, places

__all__ = ["run_unit", "units"]

K = 10
VARIED = "attention"
"""The selector whose number, order and format of demonstrations are varied."""


def units(config: Config) -> list[str]:
    """Some users of one set a unit; the sets take turns."""
    return [
        f"seed={seed}/{set_name(data)}/{first}"
        for seed in range(config.seeds)
        for first in range(0, config.users, config.unit)
        for data in config.data
    ]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a user and condition; the rows of a user share the shortlist.

    Raises:
        ValueError: there is no such unit.
        FileNotFoundError: the model or the data are not there.
    """
    seed, name = seed_and_rest(unit, units(config))
    chosen, first = name.rsplit("/", 1)
    data = next(folder for folder in config.data if set_name(folder) == chosen)
    shop = shop_of(config, data)
    queries = asked_queries(shop, shop.split.test, config.users, seed)
    numbers = [number for number in numbers_of(int(first), config) if number < len(queries)]
    rows = []
    for number in numbers:
        user = User(config, shop, queries, int(number), read_pool(config, shop, queries, int(number), None), seed, data)
        common = {"seed": seed, "data": chosen, "user": int(queries.users[number])}
        rows += [{**common, **row} for row in user.rows()]
    return rows


@dataclass
class User:
    """Who is asked under every condition.

    Attributes:
        config: the setting.
        shop: the decoder over the set.
        queries: of all users.
        number: of this one.
        read: the short pool.
        seed: of what is random.
        data: the folder of the set.
    """

    config: Config
    shop: Shop
    queries: Queries
    number: int
    read: ReadPool
    seed: int
    data: str

    def __post_init__(self) -> None:
        one = self.queries.take(np.array([self.number]))
        self.history: list[int] = one.histories.items.tolist()
        self.target = int(one.targets[0])
        made = self.shop.recommender.shortlist(one, self.config.candidates)
        self.listed = bool(made.holds[0])
        self.own_gain = float(made.gains(K)[0])
        # where the wanted title is no candidate no ranking of the others is a hit, so none is computed
        self.items = made.of(0) if self.listed else np.array([self.target])
        self.own = own_likings(self.writer, self.items) if self.listed else np.zeros(1)

    @property
    def writer(self) -> PromptWriter:
        """Of the prompts."""
        return self.shop.recommender.writer

    def rows(self) -> Iterator[dict[str, Value]]:
        """Of the selectors, then of the variations of one of them, then of each demonstration of the pool."""
        yield {"part": "shortlist", "condition": "one step", "NDCG@10": self.own_gain, "listed": self.listed}
        read = self.read
        asked = read.asked.pool.asked(self.queries, self.number)
        learnt = predictor_of(self.config, self.data, self.seed)
        learned = ReadPool(read.writer, read.asked, read.history, learnt=learnt)
        shown: AskedDemonstrations | None = None
        for name, entry in SELECTORS.items():
            rng = np.random.default_rng([self.seed, self.number])
            pool = learned if name == "learned" else read
            chosen = entry.select(asked, pool, self.config.demonstrations, rng)
            shown = chosen if name == VARIED else shown
            yield self._condition("selectors", name, chosen) | self._choice(name)
        if shown is not None:
            yield from self._variations(asked, shown)
        yield from self._pool()

    def _condition(
        self, part: str, condition: str, chosen: AskedDemonstrations, *, writer: PromptWriter | None = None
    ) -> dict[str, Value]:
        """The wanted title behind a prompt, best demonstration next to the question, and its rank if it is listed."""
        writer = writer or self.writer
        told = chosen.transitions[::-1]
        prompt: Prompt = writer.prompt(self.history, told)
        items = self.items if part == "selectors" else np.array([self.target])
        scored = score_titles(writer, prompt, items)
        wanted = int(np.flatnonzero(items == self.target)[0])
        row: dict[str, Value] = {
            "part": part,
            "condition": condition,
            "NLL": -float(scored.likelihoods[wanted]),
            "listed": self.listed,
            "prompt tokens": len(prompt.tokens),
        }
        if part != "selectors":
            return row
        for name, values in (("", scored.likelihoods), ("calibrated ", scored.calibrated(self.own).likelihoods)):
            where = places(values[None], np.array([wanted]))
            row |= {f"{name}NDCG@10": self._gain(ndcg(where, K)), f"{name}HR@10": self._gain(hit_rate(where, K))}
        return row

    def _gain(self, value: np.ndarray) -> float:
        return float(value[0]) if self.listed else 0.0

    def _choice(self, name: str) -> dict[str, Value]:
        """What the choice cost, in forward passes of the pool's prompt."""
        costs: dict[str, Callable[[], float]] = {
            "model attention": lambda: self.read.effects().costs[2],
            "first order": lambda: self.read.effects().costs[0],
            "contribution gate": lambda: self.read.effects().costs[1],
            "stage one": lambda: self.read.perturbation_cost,
            "oracle": lambda: float(len(self.read.asked)),
        }
        return {"passes to choose": costs[name]() if name in costs else 0.0}

    def _variations(self, asked: AskedDemonstrations, shown: AskedDemonstrations) -> Iterator[dict[str, Value]]:
        rng = np.random.default_rng([self.seed, self.number, 1])
        for count in self.config.others:
            chosen = SELECTORS[VARIED].select(asked, self.read, count, rng)
            yield self._condition("number", str(count), chosen)
        last = np.arange(len(shown))
        for name, order in (("best first", last[::-1]), ("random order", rng.permutation(len(shown)))):
            yield self._condition("order", name, shown.take(order))
        for name in FORMATS:
            writer = shop_of(self.config, self.data, name).recommender.writer
            yield self._condition("format", name, shown, writer=writer)
            yield self._condition("format", f"{name}, none", shown.take(last[:0]), writer=writer)

    def _pool(self) -> Iterator[dict[str, Value]]:
        """Each demonstration of the pool: what scores say, what its removal does, what it does alone to the answer."""
        removal, relative = removal_effects(self.read.loss)
        effects, alone = self.read.effects(), self.read.alone()
        zero = float(score_titles(self.writer, self.writer.prompt(self.history), [self.target]).likelihoods[0])
        for i in range(len(alone)):
            yield {
                "part": "pool",
                "condition": str(i),
                "first order": float(effects.first_order[i]),
                "contribution gate": float(effects.gates[i]),
                "model attention": float(effects.attention[i]),
                "removal": float(removal.values[i]),
                "gain alone": float(alone[i] - zero),
                "Effect_D": float(relative),
            }
