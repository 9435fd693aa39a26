"""A stack that is trained on some catalogues, to be used on others."""

# the stubs of jax leave parts of trees and of functions under jit without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from lrgd_jax.item_models.objective import Episodes, episode_items, sampled_loss
from lrgd_jax.item_models.stack import Design, Items, Params, initial, inputs
from lrgd_jax.item_models.training import Schedule, Task
from lrgd_jax.item_models.training_data import Batch, CataloguePool, EpisodeSizes, catalogue_pool, draw_batch
from lrgd_jax.recommend.data.dataset import Split
from lrgd_jax.recommend.data.folder_layouts import load_split

__all__ = ["UnseenCatalogue", "load_pools", "pools_of", "unseen_catalogue_task"]

TRAIN, VALID = 2, 3
"""What the numbers that random draws follow from begin with."""
VALIDATIONS = 16
"""Batches that the validation loss is the mean of; they are the same at every validation."""


@dataclass(frozen=True)
class UnseenCatalogue:
    """How a stack is trained.

    Attributes:
        design: of the stack.
        sizes: of the episodes.
        schedule: how long.
        batch: questions of a step.
        learning_rate: of Adam.
        clip: largest norm of a gradient.
        refresh: steps after which texts are rotated and signatures are drawn anew.
        signature: width of an item's signature.
        seed: of batches, rotations and signatures.
    """

    design: Design = field(default_factory=Design)
    sizes: EpisodeSizes = field(default_factory=EpisodeSizes)
    schedule: Schedule = field(default_factory=Schedule)
    batch: int = 32
    learning_rate: float = 0.05
    clip: float = 1.0
    refresh: int = 40
    signature: int = 128
    seed: int = 0


def load_pools(folders: Sequence[str | Path], sizes: EpisodeSizes, seed: int) -> list[CataloguePool]:
    """`pools_of` the catalogues of some folders, items of one time as baskets.

    Args:
        folders: of data sets, with title vectors of one width.
        sizes: how much of each is used.
        seed: of what is used.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: a folder is damaged, a catalogue has no vectors, or their widths differ.
    """
    return pools_of({str(folder): load_split(folder) for folder in folders}, sizes, seed)


def pools_of(splits: Mapping[str, Split], sizes: EpisodeSizes, seed: int) -> list[CataloguePool]:
    """Catalogues to train on.

    Args:
        splits: by what they are called in errors.
        sizes: how much of each is used.
        seed: of what is used.

    Raises:
        ValueError: there is none, a catalogue has no vectors, or their widths differ.
    """
    if not splits:
        raise ValueError("there is no catalogue to train on; give at least one folder")
    catalogues = {where: split.catalogue.vectors for where, split in splits.items()}
    widths = {where: vectors.shape[1] for where, vectors in catalogues.items() if vectors is not None}
    if len(set(widths.values())) > 1:
        told = ", ".join(f"{width} in {where}" for where, width in widths.items())
        raise ValueError(f"the title vectors have different widths: {told}; make them by one model")
    padded = max(len(split.catalogue) for split in splits.values())
    return [catalogue_pool(split, sizes, seed, where=where, padded=padded) for where, split in splits.items()]


class _Dressed(NamedTuple):
    """A catalogue in one episode: vectors of all items, inputs of all demonstrations and questions."""

    items: Items
    pool: Float[Array, "p d"]
    asked: tuple[Float[Array, "q d"], Float[Array, "v d"]]


def unseen_catalogue_task(config: UnseenCatalogue, pools: Sequence[CataloguePool]) -> Task:
    """Training as `train` reads it.

    Args:
        config: how.
        pools: the catalogues.
    """
    loss = partial(sampled_loss, design=config.design, text_width=pools[0].vectors.shape[1])
    gradient = jax.jit(jax.value_and_grad(lambda params, episodes: loss(params, episodes=episodes)))
    value = jax.jit(lambda params, episodes: loss(params, episodes=episodes))
    dressed = lru_cache(maxsize=len(pools))(partial(_dress, config, pools))

    def episodes(part: int, number: int) -> Episodes:
        of = number % len(pools)
        seed = (config.seed, part, number)
        batch = draw_batch(pools[of], config.sizes, config.batch, seed, validate=part == VALID)
        return _episodes(dressed(of, part, number // config.refresh), pools[of], batch, int(part == VALID))

    def step(params: Params, number: int) -> tuple[Float[Array, ""], Params]:
        return gradient(params, episodes(TRAIN, number))

    fixed = [episodes(VALID, k) for k in range(VALIDATIONS)]

    def validate(params: Params) -> float:
        return float(np.mean([float(value(params, one)) for one in fixed]))

    schedule = optax.cosine_decay_schedule(config.learning_rate, config.schedule.steps)
    optimiser = optax.chain(optax.clip_by_global_norm(config.clip), optax.adam(schedule))
    return Task(initial(config.design), optimiser, step, validate)


def _dress(config: UnseenCatalogue, pools: Sequence[CataloguePool], of: int, part: int, draw: int) -> _Dressed:
    key = jax.random.key(config.seed)
    for number in (part, draw, of):
        key = jax.random.fold_in(key, number)
    own = pools[of]
    items = episode_items(key, jnp.asarray(own.vectors), config.signature)
    asked = (inputs(items, x.histories, x.ages) for x in own.asked)
    train, valid = asked
    return _Dressed(items, inputs(items, own.pool.histories, own.pool.ages), (train, valid))


def _episodes(dressed: _Dressed, own: CataloguePool, batch: Batch, part: int) -> Episodes:
    vectors = dressed.items.vectors
    return Episodes(
        dressed.asked[part][batch.questions],
        dressed.pool[batch.shown],
        vectors[own.pool.targets[batch.shown]],
        jnp.asarray(batch.there),
        vectors[batch.candidates],
        jnp.asarray(batch.counted),
        jnp.float32(own.items / (batch.candidates.shape[1] - 1)),
    )
