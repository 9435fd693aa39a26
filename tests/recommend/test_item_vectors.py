"""Item vectors against vectors written out by hand."""

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.forms.item_vectors import item_vectors, term_vectors
from lrgd_jax.recommend.sparse_matrices import dense

UNIT = np.finfo(float).eps / 2
EVERY, TWICE = np.log(4 / 3), np.log(4 / 2)
"""The weights, among four texts, of a term that three have and of one that two have."""
ROUNDINGS = 8
"""Of two weights, their squares, sum, root and quotient."""


def test_terms_are_weighted_by_how_few_texts_have_them():
    found = dense(term_vectors(("Red lamp", "red LAMP lamp", "red, kettle!", "drill")))
    length = np.hypot(EVERY, TWICE)
    # columns lamp and red: kettle and drill make nothing similar
    wanted = np.array([[TWICE / length, EVERY / length], [TWICE / length, EVERY / length], [0, 1], [0, 0]])
    assert found.shape == wanted.shape
    assert (np.abs(found - wanted) <= ROUNDINGS * UNIT).all()


def test_a_term_that_every_text_has_makes_nothing_similar():
    assert not dense(term_vectors(("the lamp", "the drill"))).any()


def test_dense_vectors_get_length_one_and_a_zero_stays():
    catalogue = Catalogue(("a", "b"), ("x y", "x z"), np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    found = item_vectors(catalogue)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [[0.6, 0.8], [0.0, 0.0]]


@pytest.mark.parametrize("titles", [None, ("red lamp", "red lamp", "drill")])
def test_without_vectors_the_titles_speak_if_there_are_any(titles):
    found = item_vectors(Catalogue(("a", "b", "c"), titles, None))
    if titles is None:
        assert found is None
    else:
        assert found is not None
        assert dense(found)[0] @ dense(found)[1] > 0
