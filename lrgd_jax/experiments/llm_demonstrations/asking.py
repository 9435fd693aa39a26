"""Who is asked, with which demonstrations: everything that the measurement shares between users."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from lrgd_jax.decoder import LoadedDecoder, tiny_decoder
from lrgd_jax.experiments.llm_demonstrations.config import Config
from lrgd_jax.experiments.shared.prompts import load_model
from lrgd_jax.experiments.shared.recommender_data import GENERATED, SMALL
from lrgd_jax.language_recommender import LanguageRecommender, ReadPool, load_template, short_pool
from lrgd_jax.recommend.data.dataset import Queries, Split
from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.selection.effect_predictor import EffectPredictor, fit_predictor

__all__ = ["TEMPLATE", "Shop", "asked_queries", "predictor_of", "read_pool", "shop_of"]

TEMPLATE = "log"
TINY = "tiny"
ROOM = 1024
"""Context of the random decoder."""


@dataclass(frozen=True)
class Shop:
    """A decoder over one set, and who asks it.

    Attributes:
        recommender: the decoder over the set.
        split: the data.
    """

    recommender: LanguageRecommender
    split: Split


@lru_cache(maxsize=1)
def decoder_of(model: str, dtype: str) -> LoadedDecoder:
    """The decoder of a name; "tiny" is a random one that reads bytes."""
    return tiny_decoder(context_length=ROOM) if model == TINY else load_model(model, dtype)


@lru_cache(maxsize=4)
def baskets_of(data: str) -> Split:
    """A set whose items of one time have no order."""
    if data in (GENERATED, SMALL):
        return generate_split() if data == GENERATED else generate_split(0, 150, 100)
    return load_split(data)


@lru_cache(maxsize=8)
def shop_of(config: Config, data: str, template: str = TEMPLATE) -> Shop:
    """The decoder over one set, with a template.

    Raises:
        FileNotFoundError: the model or the data are not there.
    """
    split = baskets_of(data)
    lengths = {"history": config.history, "told": config.told, "longest": config.title_tokens}
    decoder = decoder_of(config.model, config.dtype)
    return Shop(LanguageRecommender.of(decoder, split, load_template(template), **lengths), split)


def asked_queries(shop: Shop, queries: Queries, count: int, seed: int) -> Queries:
    """So many queries of different users in random order, each with two titles in its history and one of its target."""
    titled = shop.recommender.writer.titles.there
    known = np.bincount(queries.histories.owners, titled[queries.histories.items], minlength=len(queries))
    order = np.random.default_rng(seed).permutation(len(queries))
    order = order[(known[order] >= 2) & titled[queries.targets[order]]]
    first = np.sort(np.unique(queries.users[order], return_index=True)[1])
    return queries.take(order[first][:count])


def read_pool(config: Config, shop: Shop, queries: Queries, number: int, learnt: EffectPredictor | None) -> ReadPool:
    """The short pool of one query; the oracle alone looks at its answer."""
    asked = shop.recommender.pool.asked(queries, number)
    history: Sequence[int] = queries.histories.of(number).tolist()
    few = short_pool(asked, config.pool)
    answer = int(queries.targets[number])
    return ReadPool(shop.recommender.writer, few, history, number, learnt, answer)


@lru_cache(maxsize=8)
def predictor_of(config: Config, data: str, seed: int) -> EffectPredictor:
    """What features of a demonstration say about its first-order effect on the answer, by validation users."""
    shop = shop_of(config, data)
    queries = asked_queries(shop, shop.split.valid, config.learn, seed)
    features, effects = [], []
    for number in range(len(queries)):
        read = read_pool(config, shop, queries, number, None)
        # of the validation item itself, which is known by the time that test users ask
        values = read.effects_on(int(queries.targets[number]))
        features.append(read.asked.features())
        effects.append(values / (np.sqrt(np.mean(values**2)) or 1.0))
    return fit_predictor(np.concatenate(features), np.concatenate(effects))


def numbers_of(first: int, config: Config) -> Int[np.ndarray, " n"]:
    """The queries of one unit."""
    return np.arange(first, min(first + config.unit, config.users))
