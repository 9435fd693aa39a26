"""One condition of the experiment on attacked and perturbed data: the data, the recommender, and what is seen of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Bool, Float

from lrgd_jax.experiments.running.interface import Value
from lrgd_jax.experiments.shared.recommender_data import ONE_HOT, ordered
from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.registry import build
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.sparse_scores import sparse_blocks
from lrgd_jax.recommend.robustness.attack_detection import Suspicion, area_under_curve, suspicion
from lrgd_jax.recommend.robustness.data_perturbations import PerturbedData, perturb_lists, perturb_queries
from lrgd_jax.recommend.robustness.shilling_attacks import ShillingAttack, join_lists, shilling_attack

__all__ = ["Condition", "honest_model", "measured"]

COLD = 5
"""An item that was taken at most so often before any perturbation is cold."""


@dataclass(frozen=True)
class Condition:
    """Data, what is done to them, and the recommender that is made of them.

    Attributes:
        data: a folder, or "generated".
        part: "clean", "attack" or "perturbation".
        kind: of the attack or perturbation.
        strength: the fake share of the demonstrations, or the strength of the perturbation.
        seed: of what is done and of who is asked.
        queries: how many users are asked, at most.
        loss: by which effects are measured.
    """

    data: str
    part: str
    kind: str
    strength: float
    seed: int
    queries: int
    loss: ListLoss

    @cached_property
    def attack(self) -> ShillingAttack | None:
        """The fake users, where there are any."""
        if self.part != "attack":
            return None
        split = ordered(self.data)
        honest = honest_model(self.data)
        fake = round(len(honest.demonstrations) * self.strength / (1 - self.strength))
        return shilling_attack(self.kind, split.catalogue, honest.initial.popularity.counts, fake, self.seed)

    @cached_property
    def model(self) -> OneStep:
        """Made of the attacked or perturbed data."""
        split, items = ordered(self.data), len(ordered(self.data).catalogue)
        if self.attack is not None:
            everybody = join_lists(split.train, self.attack.lists)
            return _model(PerturbedData(transitions(everybody, ONE_HOT.keys(), items), everybody), items)
        if self.part == "perturbation":
            return _model(perturb_lists(self.kind, split.train, ONE_HOT.keys(), items, self.strength, self.seed), items)
        return honest_model(self.data)

    @cached_property
    def suspicion(self) -> Suspicion:
        """By the validation users' targets, which nobody demonstrates."""
        return suspicion(self.model, ordered(self.data).valid, self.loss)

    @cached_property
    def asked_before(self) -> Queries:
        """Of the users that are drawn, with their true histories."""
        test = ordered(self.data).test
        drawn = np.random.default_rng([self.seed, 2]).permutation(len(test))[: self.queries]
        return test.take(np.sort(drawn))

    @cached_property
    def asked(self) -> Queries:
        """With the histories that the recommender is told."""
        if self.kind != "query noise":
            return self.asked_before
        items = len(ordered(self.data).catalogue)
        return perturb_queries(self.asked_before, items, self.strength, self.seed)

    @property
    def cold(self) -> Bool[np.ndarray, " q"]:
        """Queries whose target was taken seldom before."""
        return honest_model(self.data).initial.popularity.counts[self.asked.targets] <= COLD

    def exposure(self, found: Mapping[str, Float[np.ndarray, " q"]]) -> dict[str, Value]:
        """In which share of the lists of ten the pushed item stands: of all users, and of those it is aimed at."""
        if self.attack is None:
            return {}
        histories = self.asked.histories
        aimed = np.bincount(histories.owners, np.isin(histories.items, self.attack.audience), len(self.asked)) > 0
        values: dict[str, Value] = {"attack_share": float(found["shown"].mean())}
        return values | ({"attack_share_audience": float(found["shown"][aimed].mean())} if aimed.any() else {})

    @property
    def fake(self) -> Bool[np.ndarray, " N"]:
        """Which demonstrations are of fake users."""
        return self.model.demonstrations.users >= len(ordered(self.data).users)

    def pruned(self, taken: Bool[np.ndarray, " N"]) -> dict[str, Value]:
        """The shares of the honest and of the fake demonstrations that a rule takes."""
        fake = self.fake
        values: dict[str, Value] = {"honest_pruned": float(taken[~fake].mean())}
        return values | ({"fake_pruned": float(taken[fake].mean())} if fake.any() else {})

    def detection(self) -> dict[str, Value]:
        """How well the fakes are found, where there are any."""
        if self.attack is None:
            return {}
        pushing = self.attack.pushing(self.model.demonstrations, len(ordered(self.data).users))
        return {"fakes": int(self.fake.sum()), **_areas(self.suspicion, self.fake, pushing)}


def measured(
    model: OneStep, queries: Queries, attack: ShillingAttack | None = None
) -> dict[str, Float[np.ndarray, " q"]]:
    """One value a query; ties at their mean rank, seen items excluded. With an attack, whether its item is shown."""
    values: dict[str, list[Float[np.ndarray, " b"]]] = {"ndcg": [], "hit_rate": [], "shown": []}
    for rows, scores in sparse_blocks(model, queries):
        places = scores.places(queries.targets[rows])
        values["ndcg"].append(ndcg(places, 10))
        values["hit_rate"].append(hit_rate(places, 10))
        if attack is not None:
            pushed = np.full(rows.stop - rows.start, attack.item)
            values["shown"].append(hit_rate(scores.places(pushed), 10))
    return {name: np.concatenate(parts) for name, parts in values.items() if parts}


@lru_cache(maxsize=2)
def honest_model(data: str) -> OneStep:
    """The recommender of the data as they are: all transitions of the training part."""
    split, items = ordered(data), len(ordered(data).catalogue)
    return _model(PerturbedData(transitions(split.train, ONE_HOT.keys(), items), split.train), items)


def _model(data: PerturbedData, items: int) -> OneStep:
    """Nothing but the data differs."""
    initial = InitialWeights.of(popularity(data.counted, items), ONE_HOT)
    return build("linear", data.demonstrations, initial, ONE_HOT)


def _areas(found: Suspicion, fake: Bool[np.ndarray, " N"], pushing: Bool[np.ndarray, " N"]) -> dict[str, Value]:
    """Detection at four levels: alone, by account, with the item's other demonstrations, and by the item's lift.

    The pushing demonstrations against the honest ones; under "all" every fake one; accounts against accounts.
    """
    levels = {
        "demonstration": found.effects,
        "item": found.by_item[found.targets],
        "lift": found.log_lifts[found.targets],
    }
    accounts = (found.by_user[np.unique(found.users[which])] for which in (fake, ~fake))
    areas: dict[str, Value] = {"area_account": area_under_curve(*accounts)}
    for level, values in levels.items():
        areas[f"area_{level}"] = area_under_curve(values[pushing], values[~fake])
        areas[f"area_{level}_all"] = area_under_curve(values[fake], values[~fake])
    return areas
