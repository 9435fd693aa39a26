"""This answer rather than that: scores of log odds are complete, and differences of those of both answers."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from decoder.helpers import TINY, decoder

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.decoder import LoadedDecoder
from lrgd_jax.effect import METHODS, SHARE, contrast_loss, explain_prompt, few_shot, gradient_cost

from .test_prompt import words

CONFIG = replace(TINY, layers=1, eos=())


@pytest.fixture(scope="module")
def tiny():
    return LoadedDecoder(CONFIG, decoder(CONFIG), words(12))


def prompt(tiny, answer, query="fg"):
    return few_shot(tiny.tokenizer, tiny.config, ["ab", "cde"], query, answer)


@pytest.fixture(scope="module")
def loss(tiny):
    return contrast_loss(prompt(tiny, "ha"), prompt(tiny, "b"), tiny.params, tiny.config)


@pytest.fixture(scope="module")
def bound(tiny, loss):
    """Of the rounding of the loss at rates one."""
    return adjoint_bound(
        lambda params: replace(
            loss, target=replace(loss.target, params=params), against=replace(loss.against, params=params)
        )(jnp.ones(2, loss.dtype)),
        tiny.params,
        cuts="names",
    ).worst


def scores(name, loss):
    return METHODS[name](loss)


def test_whole_answers_are_compared_whatever_their_lengths(tiny, loss):
    assert loss.lengths == (2, 1)
    assert (loss.demonstrations, loss.parts, loss.control) == (2, (1, TINY.heads), "rates")
    assert loss.with_control("contributions").against.control == "contributions"
    assert gradient_cost(loss) > 2


@pytest.fixture(scope="module")
def exact(loss):
    return scores("exact-shapley", loss)


def test_exact_values_are_the_differences_of_both_answers_and_complete(loss, exact, bound):
    """Means over an answer times its length; two losses in every difference, each within the bound, on both sides."""
    target, against = (scores("exact-shapley", one).values for one in (loss.target, loss.against))
    assert np.abs(exact.values - (2 * target - against)).max() <= 4 * bound
    assert exact.whole is not None
    assert abs(exact.values.sum() - exact.whole) <= 4 * bound


def test_the_explanation_is_complete(tiny, exact, bound):
    found = explain_prompt(tiny, prompt(tiny, "ha"), against=prompt(tiny, "b"), interactions=True)
    assert found.scores.gap is not None
    assert found.scores.gap <= SHARE
    assert found.contrast is not None
    assert (found.contrast.answer, [x.token for x in found.contrast.tokens]) == ("b", ["b"])
    assert (found.relative, found.unit) == (None, "nats of the log odds")
    # probabilities, scores along a path, and subsets are programs of their own
    for whole in (found.scores.whole, exact.whole):
        assert whole is not None
        assert abs(found.whole - whole) <= 4 * bound
    assert found.heads is not None
    assert found.interactions is not None
    assert found.interactions.values[0, 1] != 0


def test_what_cannot_be_compared_is_refused(tiny, loss):
    one = prompt(tiny, "h")
    with pytest.raises(ValueError, match="the answer 'h' is compared with itself"):
        contrast_loss(one, prompt(tiny, "h"), tiny.params, tiny.config)
    with pytest.raises(ValueError, match="compared after the same prompt"):
        contrast_loss(one, prompt(tiny, "b", query="gf"), tiny.params, tiny.config)
    with pytest.raises(ValueError, match="the prompt has no target"):
        contrast_loss(one, prompt(tiny, None), tiny.params, tiny.config)
    with pytest.raises(ValueError, match="compared in nats, by one of aumann-shapley, "):
        scores("attention", loss)
