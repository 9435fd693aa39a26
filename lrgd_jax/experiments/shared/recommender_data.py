"""The data of the recommender's experiments: a folder, or the generated catalogue."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from lrgd_jax.recommend.data.dataset import Split
from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.data.ties import AS_STORED
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.registry import build_from_histories

__all__ = ["BEAUTY", "GENERATED", "ONE_HOT", "SMALL", "context_model", "one_context", "ordered", "split_of"]

GENERATED, SMALL = "generated", "generated-small"
"""Names of data that stand for the generated catalogue, and for a small one of it."""
BEAUTY = "../shared/data/amazon_beauty"
ONE_HOT = Meta(0.8, 0.6, 0.5, 0.25, 0.25, popularity=0.003, similarity=0.0)
"""Meta-parameters of a context without texts, where demonstrations carry all but the counts; scores stay sparse."""


@lru_cache(maxsize=2)
def split_of(data: str) -> Split:
    """The split of a folder, or the generated one; items of one time in the order of the file, as in the literature.

    Raises:
        FileNotFoundError: there is no such folder, or it holds no data set.
        ValueError: a file is damaged.
    """
    if data in (GENERATED, SMALL):
        return generate_split() if data == GENERATED else generate_split(0, 150, 100)
    if not Path(data).is_dir():
        raise FileNotFoundError(
            f"there is no data in {data}; set data to a folder of recommendation data (--set data=FOLDER), or to "
            f"{GENERATED!r} for a made-up catalogue"
        )
    return load_split(data, AS_STORED)


@lru_cache(maxsize=2)
def ordered(data: str) -> Split:
    """The split with the order of each history and without times: leave-last-out, what each took last.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: the folder's own examples go by time, so that without it a context would hold what came later.
    """
    split = split_of(data)
    if split.test.times is None:
        return split
    if data not in (GENERATED, SMALL):
        raise ValueError(
            f"{data} has times, and this experiment asks for one context of all users; give data of which the order "
            f"is known (amazon_beauty, amazon_games) or {GENERATED!r}"
        )
    return split.without_times()


@lru_cache(maxsize=2)
def context_model(data: str, popularity_weight: float = ONE_HOT.popularity) -> OneStep:
    """The one-step recommender with every transition of the training part as its context; without texts."""
    return one_context(ordered(data), popularity_weight)


def one_context(split: Split, popularity_weight: float = ONE_HOT.popularity) -> OneStep:
    """The same of a split."""
    return build_from_histories(split.train, len(split.catalogue), replace(ONE_HOT, popularity=popularity_weight))
