"""Stage two in a prompt: the first update goes downhill, the pull leads back, the guard keeps its limits."""

import numpy as np
import pytest

from lrgd_jax.decoder import tiny_decoder
from lrgd_jax.effect.evaluation import gradients_at
from lrgd_jax.language_recommender import PromptWriter, TitledTransition, TitleTexts, load_template
from lrgd_jax.language_recommender.demonstration_perturbations import PERTURBATIONS
from lrgd_jax.language_recommender.rate_adaptation import (
    PromptAdaptation,
    adapt_rates,
    prompt_collapse,
    rolling_window,
)
from lrgd_jax.recommend.adaptation.collapse_guard import Guard
from lrgd_jax.recommend.data.dataset import Catalogue

DECODER = tiny_decoder(context_length=128)
CATALOGUE = Catalogue(tuple("abcde"), ("Atlas", "Lamp", "Tent", "Pen", "Harp"))
TOLD = [TitledTransition([1], 2), TitledTransition([3], 4)]


@pytest.fixture(scope="module")
def window():
    assert DECODER.tokenizer is not None
    writer = PromptWriter(DECODER, TitleTexts.of(CATALOGUE, DECODER.tokenizer), load_template("list"))
    return rolling_window(writer, [0, 3], TOLD, length=1)


def test_the_first_update_goes_down_the_gradient(window):
    start, after = adapt_rates(window, PromptAdaptation(step=0.5, pull=0.0), updates=1)
    slope = gradients_at(window[0], start[None]).gradients[0]
    assert start.tolist() == [1, 1]
    assert (np.sign(after - start) == -np.sign(slope)).all()


def test_a_guard_keeps_what_free_rates_lose(window):
    free, guarded = (
        list(adapt_rates(window, PromptAdaptation(step=1.0, pull=0.0, guard=guard), updates=3))[-1]
        for guard in (None, Guard(voices=0.95, largest=1.5, rank=0.5))
    )
    assert guarded.max() <= 1.5 * guarded.mean()
    assert prompt_collapse(window[0], guarded).voices >= 0.95 * len(guarded)
    even = prompt_collapse(window[0], np.ones(2))
    # the exponential of a logarithm
    assert np.float32(even.voices) == 2
    assert even.largest == 1 / 2
    assert 1 <= prompt_collapse(window[0], free).rank <= 2


def test_a_strong_pull_holds_rates_at_one(window):
    *_, far = adapt_rates(window, PromptAdaptation(step=0.5, pull=0.0), updates=4)
    *_, near = adapt_rates(window, PromptAdaptation(step=0.5, pull=100.0), updates=4)
    assert np.abs(np.log(near)).sum() < np.abs(np.log(far)).sum()


def test_what_cannot_be_adapted_is_refused(window):
    with pytest.raises(ValueError, match="at least one title that the user took"):
        next(adapt_rates([], PromptAdaptation(), 1))
    with pytest.raises(ValueError, match="the step must be positive"):
        PromptAdaptation(step=0.0)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_a_perturbation_keeps_the_number_of_demonstrations(name):
    made = PERTURBATIONS[name](TOLD, [0, 1], np.random.default_rng(0))
    assert len(made) == len(TOLD)
    expected = {
        "wrong target": [one.history for one in TOLD],
        "swapped items": [[one.target] for one in TOLD],
        "shuffled history": [one.history for one in TOLD],
        "advertisement": [one.history for one in TOLD],
    }
    assert [list(one.history) for one in made] == [list(x) for x in expected[name]]
    if name == "advertisement":
        assert {one.target for one in made} == {0}
