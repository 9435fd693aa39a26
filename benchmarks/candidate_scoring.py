"""Titles scored behind a prompt: with and without the prefix cache, and by `transformers` with its cache.

    python -m benchmarks.candidate_scoring [--model DIR] [--context 192] [--candidates 50] [--longest 12] [--turns 7]

One prompt, the same tokens and weights for all, float32, two threads. Each turn times one after the other; a ratio is
the median of the turns' ratios. With `transformers` the prompt is read once, its keys and values are repeated for a
batch of padded candidates, and the likelihoods are read off the logits. Without that package its row is not measured.
"""

from __future__ import annotations

import argparse
import importlib.util
import pathlib
import time
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.prefix_caching import STORIES, without_cache
from benchmarks.speed_results import Ratio, median, write_ratios
from lrgd_jax.decoder import load_directory, score_candidates

RESULT = pathlib.Path(__file__).parents[1] / "docs" / "results" / "speed" / "candidate-scoring.json"
LARGEST_WITH, LARGEST_AGAINST = 1 / 3, 1.3


def seconds(function: Callable[[], np.ndarray]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def by_transformers(
    folder: pathlib.Path, context: np.ndarray, rows: np.ndarray, lengths: np.ndarray
) -> Callable[[], np.ndarray] | None:
    """The sums of log-likelihoods with a cache of the prompt; None where the package is not installed."""
    if importlib.util.find_spec("transformers") is None:
        return None
    import torch
    from transformers import AutoModelForCausalLM, DynamicCache

    torch.set_num_threads(2)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    prompt, following = torch.tensor(context[None]), torch.tensor(rows)
    there = torch.arange(rows.shape[1])[None] < torch.tensor(lengths)[:, None]

    def score() -> np.ndarray:
        with torch.no_grad():
            cache = DynamicCache()
            read = model(prompt, past_key_values=cache, use_cache=True)
            cache.batch_repeat_interleave(len(rows))
            first = read.logits[:, -1:].expand(len(rows), -1, -1)
            behind = model(following[:, :-1], past_key_values=cache, use_cache=True).logits
            likelihoods = torch.log_softmax(torch.cat([first, behind], dim=1), dim=-1)
            own = likelihoods.gather(2, following[:, :, None])[:, :, 0]
            return torch.where(there, own, torch.zeros(())).sum(dim=1).numpy()

    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=STORIES, help="a Hugging Face folder")
    parser.add_argument("--context", type=int, default=192, help="tokens of the prompt")
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--longest", type=int, default=12, help="tokens of a candidate, at most")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--out", type=pathlib.Path, default=RESULT)
    options = parser.parse_args()
    loaded = load_directory(options.model)
    params, config = loaded.params, loaded.config
    rng = np.random.default_rng(0)
    context = rng.integers(3, config.vocab_size, options.context)
    lengths = rng.integers(2, options.longest + 1, options.candidates)
    rows = rng.integers(3, config.vocab_size, (options.candidates, options.longest))
    there = jnp.asarray(np.arange(options.longest)[None] < lengths[:, None])
    ragged = [row[:length] for row, length in zip(rows, lengths, strict=True)]
    whole = partial(without_cache, params, config, jnp.asarray(context), jnp.asarray(rows), there)

    def cached() -> np.ndarray:
        made = score_candidates(params, config, jnp.asarray(context), ragged, batch=options.candidates)
        return np.asarray(made.total)

    peer = by_transformers(options.model, context, rows, lengths)
    ways = {"cached": cached, "whole": lambda: np.asarray(jax.block_until_ready(whole()))}
    ways |= {} if peer is None else {"transformers": peer}
    # all are compiled and warm before the first turn
    scores = {name: way() for name, way in ways.items()}
    turns = [{name: seconds(way) for name, way in ways.items()} for _ in range(options.turns)]
    times = {name: median(turn[name] for turn in turns) for name in ways}
    against = None if peer is None else median(turn["cached"] / turn["transformers"] for turn in turns)
    note = "transformers is not installed" if peer is None else ""
    what = f"{options.candidates} titles behind a prompt of {options.context} tokens, {options.model.name}"
    write_ratios(
        options.out,
        [
            Ratio(
                f"{what}: with the prefix cache, by without",
                median(turn["cached"] / turn["whole"] for turn in turns),
                LARGEST_WITH,
            ),
            Ratio(f"{what}: with it, by transformers with its cache", against, LARGEST_AGAINST, note),
        ],
        milliseconds={name: float(f"{1000 * one:.3g}") for name, one in times.items()},
        largest_difference_in_nats={
            name: float(f"{np.abs(scores[name] - scores['cached']).max():.2g}") for name in ways if name != "cached"
        },
        turns=options.turns,
    )


if __name__ == "__main__":
    main()
