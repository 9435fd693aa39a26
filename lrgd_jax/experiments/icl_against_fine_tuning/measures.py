"""What the experiment `icl-against-fine-tuning` measures: predictions in context, without it, and after fine-tuning."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder import DecoderConfig, DecoderParams
from lrgd_jax.experiments.icl_against_fine_tuning.config import Batches, Config
from lrgd_jax.experiments.icl_against_fine_tuning.fine_tuning import (
    Optimiser,
    Texts,
    differences,
    fine_tuned,
    predictions,
    texts,
)
from lrgd_jax.experiments.running.interface import Row, Value
from lrgd_jax.experiments.shared.prompts import Prompt, kind_of, load_model, pad_tokens, prompts_of

__all__ = ["RULES", "chosen_rate", "measured_rows", "run_unit", "setting_of", "tuning_rows", "units"]

RULES = ("nearest", "likeliest")
"""How a learning rate is chosen: least divergence from ICL, or greatest likelihood of the target."""

Predicted: TypeAlias = Float[np.ndarray, "q vocab"]
"""Log probabilities of the tokens that follow each token of the query and its target."""


class TuningSetting(NamedTuple):
    """What all units share.

    Attributes:
        params: of the decoder.
        config: the decoder.
        prompts: first those for tuning, then those that are measured.
        orders: permutations of the demonstrations.
        lengths: of a demonstration's text, of the query with its target, and of a whole prompt, all filled up.
    """

    params: DecoderParams
    config: DecoderConfig
    prompts: list[Prompt]
    orders: list[tuple[int, ...]]
    lengths: tuple[int, int, int]


def units(config: Config) -> list[str]:
    """The learning rates, then one unit a prompt."""
    return ["tuning", *(f"prompt={i}" for i in range(config.seeds))]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """The rows of all rates on the tuning prompts, or of every method on one prompt."""
    if unit == "tuning":
        return [dict(row) for row in tuning_rows(config)]
    return [{"prompt": unit, **row} for row in measured_rows(config, int(unit.partition("=")[2]))]


@lru_cache(maxsize=1)
def setting_of(config: Config) -> TuningSetting:
    """Model, prompts, orders and lengths of a configuration."""
    loaded = load_model(config.model, jnp.dtype(config.dtype))
    number = config.tuning + config.seeds
    prompts = prompts_of(loaded, kind_of(config.model), number, config.demonstrations)
    orders = itertools.islice(_orders(config.demonstrations), config.orders)
    asked = max(len(prompt.tokens(())) for prompt in prompts)
    lengths = (
        max(len(prompt.first) + len(told) for prompt in prompts for told in prompt.demonstrations),
        asked,
        max(len(prompt.tokens()) for prompt in prompts) + asked,
    )
    return TuningSetting(loaded.params, loaded.config, prompts, list(orders), lengths)


def _orders(demonstrations: int) -> Iterator[tuple[int, ...]]:
    """All permutations where they are few, the given order first; else that one and drawn ones, all different."""
    if demonstrations <= 5:
        yield from itertools.permutations(range(demonstrations))
        return
    rng, seen = np.random.default_rng(0), {tuple(range(demonstrations))}
    yield from seen
    while True:
        order = tuple(int(i) for i in rng.permutation(demonstrations))
        if order not in seen:
            seen.add(order)
            yield order


@lru_cache(maxsize=1)
def tuning_rows(config: Config) -> tuple[dict[str, Value], ...]:
    """How near every learning rate comes to ICL, and how likely it makes the target: means over the tuning prompts."""
    setting, rows = setting_of(config), []
    for optimiser, batches in itertools.product(config.optimisers, config.batches):
        for rate in config.rates(optimiser):
            scores = []
            for prompt in setting.prompts[: config.tuning]:
                told = _in_context(setting, prompt, setting.orders[0])
                tuned = _fine_tune(config, setting, prompt, setting.orders[0], optimiser, batches, rate)
                scores.append(
                    [
                        (_apart(prompt, told, tuned[k - 1])["kl"], _likelihood(prompt, tuned[k - 1]))
                        for k in config.passes
                    ]
                )
            for k, (divergence, likelihood) in zip(config.passes, np.mean(scores, axis=0), strict=True):
                key: dict[str, Value] = {"optimiser": optimiser, "batches": batches, "learning_rate": rate, "passes": k}
                rows.append({"method": "tuning", **key, "kl": float(divergence), "likelihood": float(likelihood)})
    return tuple(rows)


def chosen_rate(
    config: Config, rows: Iterable[Row], rule: str, optimiser: Optimiser, batches: Batches, passes: int
) -> float:
    """The learning rate that a rule picks on the tuning prompts; never one whose results are not finite."""
    wanted = (optimiser, batches, passes)
    there = [row for row in rows if (row.get("optimiser"), row.get("batches"), row.get("passes")) == wanted]
    tried = [row for row in there if row["method"] == "tuning"]
    sign, column = (1, "kl") if rule == "nearest" else (-1, "likelihood")
    cost = {float(row["learning_rate"]): sign * float(row[column]) for row in tried}
    return min(cost, key=lambda rate: cost[rate] if np.isfinite(cost[rate]) else np.inf)


def measured_rows(config: Config, number: int) -> list[dict[str, Value]]:
    """Every method on one of the measured prompts, compared with ICL order by order."""
    setting = setting_of(config)
    prompt = setting.prompts[config.tuning + number]
    told = [_in_context(setting, prompt, order) for order in setting.orders]
    zero_shot = _without(setting, prompt)
    likelihoods = [_likelihood(prompt, x) for x in told]
    rows: list[dict[str, Value]] = [
        {"method": "in context", "likelihood": float(np.mean(likelihoods)), "order_deviation": _deviation(likelihoods)},
        {"method": "zero-shot", "likelihood": _likelihood(prompt, zero_shot), **_mean_apart(prompt, told, [zero_shot])},
        {"method": "in context, other order", **_mean_apart(prompt, told[:1], told[1:])},
    ]
    for optimiser, batches in itertools.product(config.optimisers, config.batches):
        rows += _fine_tuned_rows(config, prompt, told, optimiser, batches)
    return rows


def _fine_tuned_rows(
    config: Config, prompt: Prompt, told: list[Predicted], optimiser: Optimiser, batches: Batches
) -> list[dict[str, Value]]:
    setting, rows = setting_of(config), []
    rates = {
        (rule, k): chosen_rate(config, tuning_rows(config), rule, optimiser, batches, k)
        for rule in RULES
        for k in config.passes
    }
    # a whole batch knows no order
    orders = setting.orders if batches == "one by one" else setting.orders[:1]
    tuned = {
        rate: [_fine_tune(config, setting, prompt, order, optimiser, batches, rate) for order in orders]
        for rate in dict.fromkeys(rates.values())
    }
    for (rule, k), rate in rates.items():
        after = [by_pass[k - 1] for by_pass in tuned[rate]]
        likelihoods = [_likelihood(prompt, x) for x in after]
        row: dict[str, Value] = {"method": "fine-tuned", "optimiser": optimiser, "batches": batches, "passes": k}
        row |= {"rule": rule, "learning_rate": rate, "likelihood": float(np.mean(likelihoods))}
        if batches == "one by one":
            row["order_deviation"] = _deviation(likelihoods)
        rows.append({**row, **_mean_apart(prompt, told, after)})
    return rows


def _in_context(setting: TuningSetting, prompt: Prompt, order: Sequence[int]) -> Predicted:
    tokens = prompt.tokens(order)
    start = len(tokens) - len(prompt.tokens(()))
    text = pad_tokens(tokens, setting.lengths[2])
    found = predictions(setting.params, setting.config, text, jnp.asarray(start), setting.lengths[1])
    return np.asarray(found, np.float64)


def _without(setting: TuningSetting, prompt: Prompt) -> Predicted:
    found = predictions(setting.params, setting.config, _probe(setting, prompt), jnp.asarray(0), setting.lengths[1])
    return np.asarray(found, np.float64)


def _fine_tune(
    config: Config,
    setting: TuningSetting,
    prompt: Prompt,
    order: Sequence[int],
    optimiser: Optimiser,
    batches: Batches,
    rate: float,
) -> Float[np.ndarray, "passes q vocab"]:
    """Predictions without the demonstrations, after 1, 2, … passes of training on them in that order."""
    pieces, outputs = [prompt.demonstrations[i] for i in order], [prompt.outputs[i] for i in order]
    told = texts(prompt.first, pieces, outputs, setting.lengths[0])
    shape = (1, len(pieces)) if batches == "all" else (len(pieces), 1)
    repeated = [jnp.broadcast_to(x.reshape(*shape, -1), (max(config.passes), *shape, x.shape[1])) for x in told]
    probe, dtype = _probe(setting, prompt), jnp.dtype(config.dtype)
    asked = fine_tuned(
        setting.params, setting.config, Texts(*repeated), probe, jnp.asarray(rate, dtype), optimiser=optimiser
    )
    return np.asarray(asked, np.float64)


def _probe(setting: TuningSetting, prompt: Prompt) -> Int[Array, " q"]:
    return pad_tokens(prompt.tokens(()), setting.lengths[1])


def _likelihood(prompt: Prompt, predicted: Predicted) -> float:
    """The log probability of the whole target, in nats."""
    end = len(prompt.tokens(()))
    start = end - len(prompt.target)
    return float(np.sum(predicted[np.arange(start - 1, end - 1), list(prompt.target)]))


def _apart(prompt: Prompt, one: Predicted, other: Predicted) -> dict[str, float]:
    """Differences averaged over the query's tokens, and those at its last one, which predicts the target's first."""
    start = len(prompt.first)
    end = start + len(prompt.query)
    found = differences(one[start:end], other[start:end])
    return {name: float(x.mean()) for name, x in found.items()} | {
        f"{name}_last": float(x[-1]) for name, x in found.items()
    }


def _mean_apart(prompt: Prompt, told: Sequence[Predicted], others: Sequence[Predicted]) -> dict[str, Value]:
    """Averaged over the orders, pair by pair; a single one on either side is compared with all on the other."""
    number = max(len(told), len(others))
    pairs = [(told[k % len(told)], others[k % len(others)]) for k in range(number)]
    found = [_apart(prompt, one, other) for one, other in pairs]
    return {name: float(np.mean([x[name] for x in found])) for name in found[0]}


def _deviation(likelihoods: Sequence[float]) -> float:
    return float(np.std(likelihoods, ddof=1))
