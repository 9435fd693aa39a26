"""Events of baskets, and which demonstrations a question may be shown."""

import numpy as np
import pytest

from lrgd_jax.item_models.demonstration_choice import choose
from lrgd_jax.item_models.episodes import NOTHING, Events, events_of_queries, events_of_sequences
from lrgd_jax.item_models.item_tables import text_vectors
from lrgd_jax.recommend.data.dataset import Catalogue, Queries
from lrgd_jax.recommend.data.sequences import Sequences

VECTORS = np.eye(4, dtype=np.float32)


def events(histories, users, times=None):
    rows = np.array([[x] for x in histories], np.int32)
    stamps = None if times is None else np.array(times)
    return Events(rows, np.zeros_like(rows), np.zeros(len(rows), np.int64), np.array(users), stamps)


def test_a_basket_is_no_history_of_itself():
    lists = Sequences.from_lists([[3, 1, 2, 0]], [[5, 9, 9, 11]])
    made = events_of_sequences(lists, window=3)
    assert made.histories.tolist() == [[3, NOTHING, NOTHING], [3, NOTHING, NOTHING], [2, 1, 3]]
    assert made.ages.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 2]]
    asked = events_of_queries(Queries.at(lists, np.array([2])), window=3)
    assert asked.histories.tolist() == [[3, NOTHING, NOTHING]]


def test_similar_ones_come_first_and_never_own_or_later_ones():
    pool = events([0, 0, 0, 1], users=[0, 1, 1, 2], times=[1, 2, 9, 3])
    asked = events([0], users=[0], times=[5])
    assert choose(pool, asked, VECTORS, 4, "similar").tolist() == [[1, 3, NOTHING, NOTHING]]
    drawn = choose(pool, asked, VECTORS, 2, "random", seed=3)
    assert sorted(drawn[0]) == [1, 3]
    assert np.array_equal(drawn, choose(pool, asked, VECTORS, 2, "random", seed=3))


def test_an_unknown_choice_is_named():
    with pytest.raises(ValueError, match="unknown choice 'best' of demonstrations; expected one of similar, random"):
        choose(events([0], [0]), events([0], [1]), VECTORS, 1, "best")  # pyright: ignore[reportArgumentType]


def test_an_item_without_text_is_named():
    with pytest.raises(ValueError, match="games has no vectors of its titles"):
        text_vectors(Catalogue(("a",)), where="games")
    vectors = np.array([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="item 'b' of games has a vector of zeros"):
        text_vectors(Catalogue(("a", "b"), ("A", "B"), vectors), where="games")
    # an empty title has no vector, and needs none
    assert not text_vectors(Catalogue(("a", "b"), ("A", ""), vectors))[1].any()
