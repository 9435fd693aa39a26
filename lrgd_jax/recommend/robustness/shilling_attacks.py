"""Shilling attacks: fake users whose interactions push one item into other people's lists."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.transitions import Transitions

__all__ = ["ATTACKS", "AttackPlan", "ShillingAttack", "join_lists", "segment", "shilling_attack"]

POPULAR = 0.01
"""The share of the catalogue that the bandwagon is on."""

NARROW = 0.05
"""The largest share of the catalogue that one segment may have."""

PUSHES = 5
"""How often a camouflaged user takes the pushed item."""


@dataclass(frozen=True)
class AttackPlan:
    """How the fake users of one kind choose what they take before the pushed item.

    Attributes:
        description: one sentence.
        audience: from the catalogue and how often each item was taken to the items whose owners the attack is aimed at;
            fillers are drawn among them.
        pushes: how often each fake user takes the pushed item.
        by_popularity: whether fillers are drawn as often as they are popular; else all alike.
    """

    description: str
    audience: Callable[[Catalogue, Float[np.ndarray, " items"]], Int[np.ndarray, " a"]]
    pushes: int = 1
    by_popularity: bool = True


@dataclass(frozen=True)
class ShillingAttack:
    """Fake users.

    Attributes:
        kind: how their other items were chosen.
        item: the pushed one.
        lists: one a fake user.
        audience: the items whose owners the attack is aimed at.
    """

    kind: str
    item: int
    lists: Sequences
    audience: Int[np.ndarray, " a"]

    def pushing(self, demonstrations: Transitions, honest: int) -> Bool[np.ndarray, " N"]:
        """Which demonstrations are of fake users and have the pushed item as target.

        Args:
            demonstrations: demonstrations of honest and fake users, the fake ones numbered after the honest.
            honest: how many honest users there are.
        """
        return (demonstrations.users >= honest) & (demonstrations.targets == self.item)


def shilling_attack(
    kind: str, catalogue: Catalogue, counts: Float[np.ndarray, " items"], demonstrations: int, seed: int
) -> ShillingAttack:
    r"""Fake users who push an item of the less popular half; only what is public is used: popularity and titles.

    Every fake user takes one filler and then the pushed item, so that every fake demonstration pushes. Fillers are

    * random: any item,
    * bandwagon: among the most popular 1 %, as often as they are popular,
    * targeted: among one segment (`segment`), as often as they are popular there,
    * camouflaged: as targeted, but each user goes on, f p f p … with five fillers and five times p, so that four of
      nine fake demonstrations lead back from the pushed item to a popular one.

    Args:
        kind: kind of the attack.
        catalogue: its titles are needed where a segment is.
        counts: how often each item was taken.
        demonstrations: how many fake ones; the camouflaged attack makes the nearest smaller multiple of nine.
        seed: seed of the pushed item and of the fillers.

    Raises:
        ValueError: there is no such kind, too few demonstrations, or a segment is needed but there are no titles.

    Source:
        Lam and Riedl 2004, WWW (random and average attacks); Mobasher et al. 2007, ACM TOIT 7(4) (bandwagon and
        segment attacks), brought to transitions.
    """
    if kind not in ATTACKS:
        raise ValueError(f"there is no attack {kind!r}; known are {', '.join(ATTACKS)}")
    plan = ATTACKS[kind]
    pushes = plan.pushes
    users = demonstrations // (2 * pushes - 1)
    if users < 1:
        raise ValueError(
            f"{demonstrations} fake demonstrations make no fake user; a {kind} one has {2 * pushes - 1} of them"
        )
    rng = np.random.default_rng([seed, list(ATTACKS).index(kind)])
    item = int(np.random.default_rng(seed).choice(np.flatnonzero(counts <= np.median(counts))))
    audience = plan.audience(catalogue, counts)
    audience = audience[audience != item]
    weights = counts[audience] if plan.by_popularity else np.ones(len(audience))
    fillers = rng.choice(audience, (users, pushes), p=weights / weights.sum())
    taken = np.stack([fillers, np.full_like(fillers, item)], axis=2).reshape(-1)
    return ShillingAttack(kind, item, Sequences(2 * pushes * np.arange(users + 1), taken), audience)


def segment(catalogue: Catalogue, counts: Float[np.ndarray, " items"]) -> Int[np.ndarray, " s"]:
    """The items that share the word whose items are taken most, among words of at most 5 % of the catalogue.

    Raises:
        ValueError: there are no titles, or no word that some but few items share.
    """
    owners: dict[str, list[int]] = {}
    for item, title in enumerate(catalogue.titles or ()):
        for word in set(title.lower().split()):
            owners.setdefault(word, []).append(item)
    taken = Counter({w: float(counts[items].sum()) for w, items in owners.items() if _narrow(items, len(catalogue))})
    if not taken or not max(taken.values()):
        raise ValueError(
            f"a segment is the items that share a word, at least two and at most {NARROW:.0%} of the catalogue; these "
            "data have no such titles, so choose the attacks 'random' and 'bandwagon'"
        )
    # of two words that are taken equally often the first in the alphabet
    word = min(taken, key=lambda w: (-taken[w], w))
    return np.array(owners[word])


def join_lists(honest: Sequences, fake: Sequences) -> Sequences:
    """Both kinds of users in one context, the fake ones numbered after the honest.

    Raises:
        ValueError: the honest lists have times; these attacks have none.
    """
    if honest.times is not None:
        raise ValueError("fake users have no times; bring data where only the order is known, such as Amazon Beauty")
    starts = np.concatenate([honest.starts, honest.starts[-1] + fake.starts[1:]])
    moments = np.concatenate([honest.basket_numbers, fake.basket_numbers])
    return Sequences(starts, np.concatenate([honest.items, fake.items]), moments=moments, ordered=honest.ordered)


def _narrow(items: list[int], catalogue: int) -> bool:
    return 2 <= len(items) <= max(2, NARROW * catalogue)


def _everything(catalogue: Catalogue, counts: Float[np.ndarray, " items"]) -> Int[np.ndarray, " a"]:
    return np.arange(len(counts))


def _most_popular(catalogue: Catalogue, counts: Float[np.ndarray, " items"]) -> Int[np.ndarray, " a"]:
    return np.argsort(-counts, kind="stable")[: max(2, round(POPULAR * len(counts)))]


ATTACKS: Mapping[str, AttackPlan] = MappingProxyType(
    {
        "random": AttackPlan("Fillers are any items.", _everything, by_popularity=False),
        "bandwagon": AttackPlan("Fillers are among the most popular 1 %.", _most_popular),
        "targeted": AttackPlan("Fillers are of one segment.", segment),
        "camouflaged": AttackPlan("As targeted, and each user goes on and on.", segment, pushes=PUSHES),
    }
)
"""Name -> plan. The seed of an attack depends on its place here, so a new one goes to the end."""
