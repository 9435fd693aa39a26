"""Scores 32 candidates behind one context with and without the prefix cache, side by side.

    python benchmarks/prefix_caching.py [--model DIR] [--context 192] [--candidates 32] [--repeats 15]

Without the cache all candidates, padded to one length, go through the whole forward pass in one compiled batch with
the context before each; with it the context is read once. Both are compiled before the first round; each round times
one after the other, and printed are the medians and the median of the rounds' ratios. Without a checkpoint the
decoder is random.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import time
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.decoder import DecoderConfig, DecoderParams, apply, init, load_directory, score_candidates

STORIES = pathlib.Path(__file__).parents[1].parent / "shared" / "data" / "stories260K"
RANDOM = DecoderConfig(
    vocab_size=512, width=64, layers=5, heads=8, kv_heads=4, head_width=8, hidden_width=172, context_length=512
)


@partial(jax.jit, static_argnums=1)
def without_cache(
    params: DecoderParams, config: DecoderConfig, context: jax.Array, rows: jax.Array, there: jax.Array
) -> jax.Array:
    """The log-likelihood of each row of tokens, by a forward pass over context and row."""

    def one(row: jax.Array, there: jax.Array) -> jax.Array:
        logits = apply(params, config, jnp.concatenate([context, row]))[len(context) - 1 : -1]
        likelihoods = jnp.take_along_axis(jax.nn.log_softmax(logits), row[:, None], axis=1)[:, 0]
        return jnp.sum(jnp.where(there, likelihoods, 0))

    return jax.vmap(one)(rows, there)


def seconds(function: Callable[[], jax.Array]) -> float:
    start = time.perf_counter()
    function().block_until_ready()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=STORIES, help="a directory with a checkpoint")
    parser.add_argument("--context", type=int, default=192, help="tokens")
    parser.add_argument("--candidates", type=int, default=32)
    parser.add_argument("--longest", type=int, default=12, help="tokens of a candidate, at most")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.model.is_dir():
        name, loaded = options.model.name, load_directory(options.model)
        params, config = loaded.params, loaded.config
    else:
        name, params, config = "a random decoder", init(jax.random.key(options.seed), RANDOM), RANDOM
    rng = np.random.default_rng(options.seed)
    context = jnp.asarray(rng.integers(3, config.vocab_size, options.context))
    lengths = rng.integers(1, options.longest + 1, options.candidates)
    rows = rng.integers(3, config.vocab_size, (options.candidates, options.longest))
    there = np.arange(options.longest)[None] < lengths[:, None]
    ragged = [row[:length] for row, length in zip(rows, lengths, strict=True)]
    whole = partial(without_cache, params, config, context, jnp.asarray(rows), jnp.asarray(there))

    def with_prefix_cache() -> jax.Array:
        return score_candidates(params, config, context, ragged, batch=options.candidates).total

    apart = float(jnp.max(jnp.abs(whole() - with_prefix_cache())))
    rounds = [(seconds(whole), seconds(with_prefix_cache)) for _ in range(options.repeats)]
    print(f"{name}, a context of {options.context} tokens, {options.candidates} candidates of 1 to {options.longest}")
    for label, times in zip(("without the cache", "with it"), zip(*rounds, strict=True), strict=True):
        print(f"{label:20} {1000 * statistics.median(times):9.1f} ms (median of {options.repeats})")
    ratios = [before / after for before, after in rounds]
    print(f"{'ratio':20} {statistics.median(ratios):9.1f}    ({min(ratios):.1f} to {max(ratios):.1f})")
    print(f"{'scores apart by':20} {apart:9.1e} nats at most ({params.embedding.dtype})")


if __name__ == "__main__":
    main()
