"""Titles ranked by likelihood: against a plain forward pass, by rates, by a trie; and what a shortlist reaches."""

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.decoder import score_candidates, tiny_decoder
from lrgd_jax.language_recommender import (
    PromptWriter,
    Shortlist,
    TitledTransition,
    TitleTexts,
    TitleTrie,
    load_template,
    own_likings,
    score_titles,
    write_titles,
)
from lrgd_jax.recommend.data.dataset import Catalogue

DECODER = tiny_decoder(context_length=128)


def the_tokenizer():
    assert DECODER.tokenizer is not None
    return DECODER.tokenizer


TOKENIZER = the_tokenizer()
TITLES = ("Atlas", "Lamp", "Tent", "Lampion", "Lamp")
CATALOGUE = Catalogue(tuple("abcde"), TITLES)
WRITER = PromptWriter(DECODER, TitleTexts.of(CATALOGUE, TOKENIZER), load_template("list"))
PROMPT = WRITER.prompt([0], [TitledTransition([1], 2)])
ITEMS = [1, 2, 3, 4]


def plain(rates=None):
    """The mean log-likelihoods, with the tokens of the whole texts."""
    before, whole = PROMPT.demonstrations[0] + PROMPT.query, {i: f" {TITLES[i]}\n" for i in ITEMS}
    encode = TOKENIZER.encode
    rows = [np.asarray(encode(before + text))[len(encode(before)) :] for text in whole.values()]
    gates = {} if rates is None else {"rates": rates, "segments": jnp.asarray(PROMPT.segments)}
    return score_candidates(DECODER.params, DECODER.config, encode(before), rows, batch=64, **gates).mean


def test_scores_are_the_likelihoods_of_the_titles_behind_the_prompt():
    scores = score_titles(WRITER, PROMPT, ITEMS)
    assert scores.likelihoods.tolist() == plain().tolist()
    assert scores.likelihoods[0] == scores.likelihoods[3], "two items of one title"
    assert scores.tokens == len(PROMPT.tokens) + sum(len(WRITER.continuation(i)) - 1 for i in ITEMS)
    half = jnp.full((1,), 0.5, jnp.float32)
    assert score_titles(WRITER, PROMPT, ITEMS, rates=half).likelihoods.tolist() == plain(half).tolist()


def test_a_beam_as_wide_as_the_trie_ranks_as_the_scores_do():
    trie = TitleTrie([(item, WRITER.continuation(item)) for item in ITEMS])
    written = write_titles(WRITER, PROMPT, trie, beams=4)
    scores = score_titles(WRITER, PROMPT, ITEMS)
    assert sorted(title.items for title in written) == [(1, 4), (2,), (3,)]
    ranked = list(dict.fromkeys(TITLES[item] for item in scores.ranking()))
    assert [TITLES[title.items[0]] for title in written] == ranked
    # a narrow beam still writes titles of the catalogue alone
    assert {item for title in write_titles(WRITER, PROMPT, trie, beams=1) for item in title.items} <= set(ITEMS)


def test_calibration_takes_off_what_a_title_is_liked_anyway():
    scores, own = score_titles(WRITER, PROMPT, ITEMS), own_likings(WRITER, ITEMS)
    assert np.array_equal(scores.calibrated(own).likelihoods, scores.likelihoods - own)


def test_a_shortlist_says_what_it_reaches():
    made = Shortlist(np.array([[4, 7, -1], [5, 6, 8]]), np.array([7, 9]))
    assert made.recall == 1 / 2
    assert made.of(0).tolist() == [4, 7]
    assert made.gains(1).tolist() == [0, 0]
    assert made.gains(2).tolist() == [1 / np.log2(3), 0]


def test_no_candidate_is_an_error():
    with pytest.raises(ValueError, match="no candidate to score"):
        score_titles(WRITER, PROMPT, [])
