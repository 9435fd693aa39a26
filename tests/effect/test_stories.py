"""On a real checkpoint of 260,032 trained weights, beside the repository where there is one."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from decoder.helpers import within

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.decoder import apply, load_directory
from lrgd_jax.effect import (
    PromptLoss,
    aumann_shapley,
    effect_of_demonstrations,
    exact_shapley,
    gradient_cost,
    leave_one_out,
    permutation_shapley,
    rate_gradient,
)
from proofs_checks._prompts import on_tokens

ANSWER = " big red ball."
SHARE = 0.05
"""Of the whole effect, that the scores may miss."""


@pytest.fixture(scope="module")
def stories(shared_data):
    folder = shared_data / "stories260K"
    if not folder.is_dir():
        pytest.skip(f"no checkpoint at {folder}")
    return load_directory(folder, jnp.float64)


@pytest.fixture(scope="module")
def prompt(stories, shared_data):
    """Tokens, segments, and where the answer starts: the last line asks what the second one tells."""
    text = (shared_data / "prompts" / "stories.txt").read_text(encoding="utf-8").rstrip("\n")
    ids, segments = stories.tokenizer.encode_prompt(text + ANSWER, demonstrations=3)
    # the encoding of the answer alone begins with the token that begins a text
    return ids, segments, len(ids) - len(stories.tokenizer.encode(ANSWER)) + 1


@pytest.fixture(scope="module")
def losses(stories, prompt):
    ids, segments, start = prompt
    of = partial(PromptLoss.of, stories.params, stories.config, ids, segments, (start, len(ids)))
    return {control: of(control=control) for control in ("rates", "contributions")}


def test_a_rate_of_zero_is_the_prompt_without_the_demonstration(stories, prompt):
    """The others keep their positions; the last tokens of each segment, so that the bounds are quick."""
    params, config, (ids, segments, _) = stories.params, stories.config, prompt
    at = np.concatenate([np.flatnonzero(segments == s)[-5:] for s in range(4)])
    tokens, short = np.asarray(ids)[at], jnp.asarray(segments[at])
    kept = np.flatnonzero(segments[at] != 1)
    rates = jnp.asarray([1.0, 0.0, 1.0])

    def left_out(p):
        return apply(p, config, jnp.asarray(tokens), rates=rates, segments=short)[-1]

    sides = (left_out, lambda p: on_tokens(p, config, tokens, kept, kept)[-1])
    bounds = [adjoint_bound(side, params, cuts="names").worst for side in sides]
    without, removed = (jax.jit(side)(params) for side in sides)
    within(without, removed, bounds[0] + bounds[1])
    # the bound tells them from the whole prompt
    whole = apply(params, config, jnp.asarray(tokens))[-1]
    assert (np.abs(whole - without) > bounds[0] + bounds[1]).all()


def test_the_rate_gradient_is_the_central_difference(losses):
    """Taylor: half the difference misses the derivative by h^2 / 6 times a third derivative between the points."""
    loss, h = losses["rates"], 2.0**-9
    scores = rate_gradient(loss)

    @jax.jit
    def along(i, t):
        def one(t):
            return loss(jnp.ones(3).at[i].add(t))

        third = jax.jacfwd(jax.jacfwd(jax.jacfwd(one)))
        return one(t), third(t)

    rounding = adjoint_bound(lambda gates: loss(gates), jnp.ones(3), cuts="names").worst
    for i in range(3):
        (above, first), (below, second), (_, middle) = (along(i, jnp.asarray(t)) for t in (h, -h, 0.0))
        # the third derivative is sampled at both ends and the middle; twice the largest covers what lies between
        largest = 2 * max(abs(float(x)) for x in (first, second, middle))
        difference = -(above - below) / (2 * h)
        within(scores.values[i], difference, h * h / 6 * largest + (rounding + rounding) / h)


def test_the_demonstration_with_the_answer_is_found_by_every_method(losses):
    rates, gates = losses["rates"], losses["contributions"]
    exact = exact_shapley(rates, batch=4)
    found = [
        exact,
        exact_shapley(gates, batch=4),
        leave_one_out(rates, batch=4),
        rate_gradient(rates),
        permutation_shapley(rates, pairs=3, batch=4),
        aumann_shapley(rates, power=3, share=SHARE, batch=2),
        aumann_shapley(gates, share=SHARE, batch=2),
    ]
    assert {int(np.argmax(scores.values)) for scores in found} == {1}
    assert effect_of_demonstrations(rates).relative > 0
    gaps = {scores.method: scores.gap for scores in found if scores.gap is not None}
    assert max(gaps.values()) <= SHARE
    counts = [int(scores.method.split()[-2]) for scores in found[-2:]]
    assert counts == [9, 5]
    assert [scores.cost for scores in found[-2:]] == [
        count * gradient_cost(loss) for count, loss in zip(counts, (rates, gates), strict=True)
    ]
