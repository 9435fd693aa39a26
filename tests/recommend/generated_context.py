"""A small generated catalogue of which only the order is known, and the one-step recommender of it without texts."""

from dataclasses import replace
from functools import cache

from lrgd_jax.recommend.data.dataset import Split
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.forms.meta_parameters import PLAIN
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.registry import build_from_histories

ONE_HOT = replace(PLAIN, similarity=0.0)


@cache
def timed_split() -> Split:
    return generate_split(0, 150, 100)


@cache
def untimed_split() -> Split:
    return timed_split().without_times()


def context_model(split: Split) -> OneStep:
    return build_from_histories(split.train, len(split.catalogue), ONE_HOT)
