"""Candidates behind a cached context against the whole forward pass, and what is refused."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from lrgd_jax.decoder import apply, candidates, score_candidates
from lrgd_jax.decoder.packing import padded_length

from .helpers import TINY, TOKENS, agree, decoder

CONTEXT = jnp.append(TOKENS, 9)
SEGMENTS = jnp.asarray([0, 0, 1, 1, 1, 2, 2, 2, 2])
CANDIDATES = ([3], [1, 2, 3, 4], [5, 5], [7, 1, 0, 2, 4], [2])
GATES = jnp.asarray([0.25, 1.5])
BY_HEAD = jnp.arange(16.0).reshape(2, 4, 2) / 8
SMALL = replace(TINY, layers=1)
GEMMA = replace(
    TINY,
    window=3,
    local_layers=(True, False),
    attention_soft_cap=2.0,
    logit_soft_cap=3.0,
    post_norms=True,
    query_key_norm=True,
    embedding_scale=8**0.5,
    tied_head=True,
)
CASES = {
    "grouped heads": (TINY, {}),
    "a window and rates by head": (replace(TINY, window=3), {"rates": BY_HEAD}),
    "two kinds of layers and gates": (GEMMA, {"contributions": GATES}),
    "learned positions": (replace(TINY, positions="learned", norm="layer", gated=False), {}),
    "parallel, rates and gates": (
        replace(TINY, rotary_width=2, parallel_residual=True, norm="layer", kv_heads=4),
        {"rates": GATES, "contributions": BY_HEAD[:, 0]},
    ),
    "linear": (replace(SMALL, attention="linear"), {}),
    "linear, rates and gates": (replace(TINY, attention="linear"), {"rates": BY_HEAD, "contributions": GATES}),
}


def of_the_whole(params, config, context, rows, segments=None, **gates):
    """The log-likelihood of every candidate's tokens from the logits of context and candidate, zero after its last."""
    longest = max(len(row) for row in rows)
    padded = jnp.asarray([row + [0] * (longest - len(row)) for row in rows])
    if segments is not None:
        gates["segments"] = jnp.concatenate([segments, jnp.full(longest, segments[-1])])

    def one(row):
        logits = apply(params, config, jnp.concatenate([context, row]), **gates)[len(context) - 1 : -1]
        return jnp.take_along_axis(jax.nn.log_softmax(logits), row[:, None], axis=1)[:, 0]

    there = jnp.arange(longest)[None] < jnp.asarray([len(row) for row in rows])[:, None]
    found = jax.vmap(one)(padded)
    return jnp.where(there, found, jnp.zeros((), found.dtype))


@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_the_whole_forward_pass(case):
    config, gates = CASES[case]
    gates = gates | ({"segments": SEGMENTS} if gates else {})
    assert padded_length(len(CONTEXT)) > len(CONTEXT)

    def behind_the_cache(p):
        return score_candidates(p, config, CONTEXT, CANDIDATES, batch=2, **gates).tokens

    agree(behind_the_cache, lambda p: of_the_whole(p, config, CONTEXT, CANDIDATES, **gates), decoder(config))


def test_the_gradient_in_the_rates_is_that_of_the_whole_forward_pass():
    params = decoder(SMALL)

    def behind_the_cache(rates):
        return score_candidates(params, SMALL, CONTEXT, CANDIDATES, rates=rates, segments=SEGMENTS).tokens.sum()

    def whole(rates):
        return of_the_whole(params, SMALL, CONTEXT, CANDIDATES, rates=rates, segments=SEGMENTS).sum()

    agree(jax.grad(behind_the_cache), jax.grad(whole), BY_HEAD[:1])


def test_a_score_is_the_sum_or_the_mean_over_the_tokens():
    scores = score_candidates(decoder(TINY), TINY, CONTEXT, CANDIDATES)
    assert scores.lengths.tolist() == [len(row) for row in CANDIDATES]
    assert scores.tokens.shape == (5, 5)
    assert (scores.tokens < 0).sum(axis=1).tolist() == scores.lengths.tolist()
    assert (scores.total == scores.tokens.sum(axis=1)).all()
    assert (scores.mean == scores.total / scores.lengths.astype(float)).all()


def test_one_token_each_is_what_the_context_predicts_in_float32():
    params = jax.tree.map(lambda x: x.astype(jnp.bfloat16), decoder(SMALL))
    scores = score_candidates(params, SMALL, CONTEXT, [[token] for token in range(SMALL.vocab_size)])
    assert scores.tokens.dtype == jnp.float32
    assert scores.tokens.shape == (SMALL.vocab_size, 1)
    assert jnp.argmax(scores.total) == jnp.argmax(jax.jit(apply, static_argnums=1)(params, SMALL, CONTEXT)[-1])


def test_the_order_and_the_company_of_candidates_change_nothing_but_roundings():
    """One alone, all in one row, and two a row are one function."""

    def one_by_one(p):
        rows = [score_candidates(p, SMALL, CONTEXT, [row]).total for row in reversed(CANDIDATES)]
        return jnp.concatenate(rows[::-1])

    agree(one_by_one, lambda p: score_candidates(p, SMALL, CONTEXT, CANDIDATES).total, decoder(SMALL))


def test_lengths_that_are_padded_alike_are_compiled_once(monkeypatch):
    config = replace(SMALL, vocab_size=11, context_length=32)
    params, traced = decoder(config), []
    attend = candidates.attend
    monkeypatch.setattr(candidates, "attend", lambda *args: traced.append(0) or attend(*args))
    for n, lengths in ((9, (5, 5, 1)), (10, (5, 4, 2)), (9, (5, 5))):
        rows = [[1] * length for length in lengths]
        assert jnp.isfinite(score_candidates(params, config, jnp.zeros(n, int), rows, batch=3).total).all()
    # two candidates fill a row of two, which is another shape
    assert len(traced) == 2


def test_what_cannot_be_scored_is_refused():
    params = decoder(TINY)

    def of(rows=CANDIDATES, context=CONTEXT, **options):
        return score_candidates(params, TINY, context, rows, **options)

    refusals = {
        "there are no candidates": lambda: of([]),
        "candidate 1 is empty": lambda: of([[1], []]),
        "candidate 0 has shape \\(1, 2\\)": lambda: of([[[1, 2]]]),
        "candidate 1 must be whole numbers, got float64": lambda: of([[1], [0.5]]),
        "token 13 of candidate 1 is outside the vocabulary of 13": lambda: of([[1], [2, 13]]),
        "token -1 of the context is outside": lambda: of(context=CONTEXT - 1),
        "9 tokens of context and 8 of candidate 1 make 17: .* holds 16": lambda: of([[1], [1] * 8]),
        "the prompt is empty": lambda: of(context=CONTEXT[:0]),
        "17 tokens are too many": lambda: of(context=jnp.zeros(17, int)),
        "at least one candidate, got batch=0": lambda: of(batch=0),
        "give the segment of each token": lambda: of(rates=GATES),
        "3 rates were given": lambda: of(rates=jnp.ones(3), segments=SEGMENTS),
    }
    for message, call in refusals.items():
        with pytest.raises(ValueError, match=message):
            call()


def test_a_candidate_may_fill_the_context():
    """Its padding reaches beyond the last learned position, which must not move the others."""
    config = replace(SMALL, positions="learned")
    rows = [[1, 2, 3, 4, 5, 6, 7], [3]]
    agree(
        lambda p: score_candidates(p, config, CONTEXT, rows).tokens,
        lambda p: of_the_whole(p, config, CONTEXT, rows),
        decoder(config),
    )
