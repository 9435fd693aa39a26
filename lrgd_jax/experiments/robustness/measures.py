"""Attacked and perturbed data: how far the recommender's lists move, and which regulariser holds them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from lrgd_jax.experiments.robustness.conditions import Condition, honest_model, measured
from lrgd_jax.experiments.robustness.config import Config
from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.robustness.attack_detection import PRUNING
from lrgd_jax.recommend.robustness.data_regularisers import REGULARISERS, prune

__all__ = ["run_unit", "units"]


def units(config: Config) -> list[str]:
    """One unit a seed and condition: "seed=0/attack/random/0.03", "seed=0/perturbation/key noise/0.3"."""
    attacks = [f"attack/{kind}/{share:g}" for kind in config.attacks for share in config.shares]
    others = [f"perturbation/{kind}/{strength:g}" for kind in config.perturbations for strength in config.strengths]
    per_seed = [
        ["clean/none/0", *attacks, *(others if seed < config.perturbation_seeds else [])]
        for seed in range(config.seeds)
    ]
    return [f"seed={seed}/{name}" for seed, names in enumerate(per_seed) for name in names]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a regulariser.

    Args:
        config: what is run.
        unit: one of `units(config)`.

    Raises:
        FileNotFoundError: the data are not there.
        ValueError: there is no such unit.
    """
    seed, rest = seed_and_rest(unit, units(config))
    part, kind, strength = rest.split("/")
    loss = ListLoss(config.temperature, config.candidates)
    condition = Condition(config.data, part, kind, float(strength), seed, config.queries, loss)
    asked, attack = condition.asked, condition.attack
    plain = measured(condition.model, asked, attack)
    clean = plain if part == "clean" else measured(honest_model(config.data), condition.asked_before)
    rows: list[dict[str, Value]] = []
    for name in config.regularisers:
        taken = PRUNING[name](condition.suspicion, config.false_alarm) if name in PRUNING else None
        if taken is None:
            model = REGULARISERS[name](condition.model, seed, config.ridge if name == "ridge" else None)
        else:
            model = prune(condition.model, taken)
        found = plain if name == "none" else measured(model, asked, attack)
        labels = {"seed": seed, "part": part, "kind": kind, "strength": condition.strength}
        values = {**labels, "regulariser": name, **_means(found, condition.cold)}
        values |= {**_gain("gain", found, plain), **_gain("change", found, clean)}
        values |= condition.exposure(found) | ({} if taken is None else condition.pruned(taken))
        rows.append(values | (condition.detection() if name == "none" else {}))
    return rows


def _means(found: Mapping[str, Float[np.ndarray, " q"]], cold: Bool[np.ndarray, " q"]) -> dict[str, Value]:
    means: dict[str, Value] = {name: float(values.mean()) for name, values in found.items() if name != "shown"}
    return means | ({"ndcg_cold": float(found["ndcg"][cold].mean())} if cold.any() else {})


def _gain(name: str, found: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Value]:
    """The mean difference of NDCG@10 over the same users, and its standard error."""
    gaps = found["ndcg"] - other["ndcg"]
    return {name: float(gaps.mean()), f"{name}_error": float(gaps.std(ddof=1) / np.sqrt(len(gaps)))}
