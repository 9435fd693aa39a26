"""A made-up catalogue with made-up users, for when there are no data: tastes, drift, fashions and a long tail.

Item i has factors z_i, user u has a taste p_u(t) that drifts, and takes next, among what is new to the user,

    i with probability ~ exp(taste <p_u(t), z_i> + chain <z_previous, z_i> + b_i + fashion sin(2 pi (t/T + s_i))),

where b_i falls like a power of the item's rank (the long tail) and the sine lets items come into fashion and go out.
"""

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Catalogue, Dataset, Split
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.splits import leave_last_out
from lrgd_jax.recommend.data.ties import BASKETS, TieRule

__all__ = ["generate_dataset", "generate_split"]

DAY = 86_400
START = 1_577_836_800
"""2020-01-01, when the first user may come."""
NOUNS = ("Lamp", "Kettle", "Atlas", "Drill", "Violin", "Tent", "Pen", "Scarf", "Camera", "Puzzle", "Bicycle", "Teapot")
MANNERS = ("Brisk", "Quiet", "Copper", "Paper", "Northern", "Folding", "Green", "Little", "Polished", "Travel")
TASTE, CHAIN, FASHION, TAIL, DRIFT = 2.0, 10.0, 0.5, 0.8, 0.3
"""Strengths of taste, of the last item and of fashion, the tail's power, and how much of a taste is new each time."""


def generate_split(
    seed: int = 0,
    users: int = 600,
    items: int = 300,
    *,
    length: int = 12,
    factors: int = 8,
    days: int = 730,
    ties: TieRule = BASKETS,
) -> Split:
    """The generated data set, each user's last two items left out; with titles, vectors and times.

    Args: as of `generate_dataset`, and how ties are read, of which these data have none.

    Raises:
        ValueError: a size is too small to make sense.
    """
    data = generate_dataset(seed, users, items, length=length, factors=factors, days=days)
    return leave_last_out(data.catalogue, data.users, data.sequences, ties)


def generate_dataset(
    seed: int = 0, users: int = 600, items: int = 300, *, length: int = 12, factors: int = 8, days: int = 730
) -> Dataset:
    """Everybody's history.

    Args:
        seed: seed of every draw.
        users: how many.
        items: size of the catalogue.
        length: mean number of items a user takes; at least 4 each.
        factors: width of tastes and of the items' vectors.
        days: T, over which users come.

    Raises:
        ValueError: a size is too small to make sense.
    """
    least = {"users": (users, 1), "length": (length, 4), "factors": (factors, 2), "days": (days, 1)}
    for name, (value, smallest) in least.items():
        if value < smallest:
            raise ValueError(f"{name} = {value}: expected at least {smallest}")
    if items < 4 * length:
        raise ValueError(f"items = {items}: expected at least {4 * length}, four times the mean length of a history")
    rng = np.random.default_rng(seed)
    z = _draw_factors(rng, items, factors)
    tail = -TAIL * np.log1p(rng.permutation(items))
    counts = np.clip(4 + rng.geometric(1 / (length - 3), users) - 1, 4, 2 * length)
    times = _draw_times(rng, counts, days)
    taken = _draw_items(rng, z, tail, counts, times, days)
    vectors = (z + 0.1 * rng.standard_normal(z.shape)).astype(np.float32)
    catalogue = Catalogue(tuple(f"item-{k}" for k in range(items)), _draw_titles(rng, z), vectors)
    starts = np.concatenate([[0], np.cumsum(counts)])
    mask = np.arange(times.shape[1]) < counts[:, None]
    return Dataset(catalogue, tuple(f"user-{k}" for k in range(users)), Sequences(starts, taken[mask], times[mask]))


def _draw_factors(rng: np.random.Generator, items: int, factors: int) -> Float[np.ndarray, "items f"]:
    """Unit vectors around as many centres as there are kinds of things."""
    centres = rng.standard_normal((len(NOUNS), factors))
    z = centres[rng.integers(0, len(NOUNS), items)] + 0.7 * rng.standard_normal((items, factors))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def _draw_times(rng: np.random.Generator, counts: Int[np.ndarray, " u"], days: int) -> Int[np.ndarray, "u n"]:
    """A start anywhere in the period, then gaps of ten days on average; always later by a second at least."""
    first = rng.integers(0, days * DAY, (len(counts), 1))
    gaps = 1 + rng.exponential(10 * DAY, (len(counts), counts.max() - 1)).astype(np.int64)
    return START + np.concatenate([first, first + np.cumsum(gaps, axis=1)], axis=1)


def _draw_items(
    rng: np.random.Generator,
    z: Float[np.ndarray, "items f"],
    tail: Float[np.ndarray, " items"],
    counts: Int[np.ndarray, " u"],
    times: Int[np.ndarray, "u n"],
    days: int,
) -> Int[np.ndarray, "u n"]:
    """All users at once, item by item; the largest of logits with Gumbel noise is a draw from their softmax."""
    users, factors = len(counts), z.shape[1]
    taste = rng.standard_normal((users, factors)) / np.sqrt(factors)
    phase = rng.random(len(z))
    taken = np.zeros((users, counts.max()), np.int64)
    seen = np.zeros((users, len(z)), bool)
    for step in range(counts.max()):
        year = (times[:, step] - START)[:, None] / (days * DAY)
        logits = TASTE * taste @ z.T + tail + FASHION * np.sin(2 * np.pi * (year + phase))
        if step:
            logits += CHAIN * z[taken[:, step - 1]] @ z.T
        taken[:, step] = np.argmax(np.where(seen, -np.inf, logits + rng.gumbel(size=logits.shape)), axis=1)
        seen[np.arange(users), taken[:, step]] = True
        fresh = rng.standard_normal((users, factors)) / np.sqrt(factors)
        taste = np.sqrt(1 - DRIFT) * taste + np.sqrt(DRIFT) * fresh
    return taken


def _draw_titles(rng: np.random.Generator, z: Float[np.ndarray, "items f"]) -> tuple[str, ...]:
    """Words that go with the strongest direction of an item, and a number, so that no two are the same."""
    looks = rng.standard_normal((z.shape[1], len(NOUNS))), rng.standard_normal((z.shape[1], len(MANNERS)))
    nouns, manners = (np.argmax(z @ look, axis=1) for look in looks)
    return tuple(f"{MANNERS[m]} {NOUNS[n]} No. {k}" for k, (m, n) in enumerate(zip(manners, nouns, strict=True)))
