"""BM25: how well the text of an item answers the words of a history."""

from collections import Counter

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from lrgd_jax.recommend.forms.item_vectors import words_of

__all__ = ["bm25"]

SATURATION, LENGTHS = 1.2, 0.75


def bm25(texts: tuple[str, ...]) -> tuple[sp.csr_array, sp.csr_array]:
    r"""Weights of the terms of each text, and which terms it has; both [texts, terms].

    $$b_{dt} = \log\Big(1+\frac{n-n_t+\frac12}{n_t+\frac12}\Big)
    \frac{f_{dt}(k+1)}{f_{dt}+k(1-b+b\,|d|/\overline{|d|})}$$

    The score of text d for a set of words is the sum of $b_{dt}$ over them.

    Raises:
        ValueError: no text has a word.

    Source:
        Robertson and Zaragoza 2009, The Probabilistic Relevance Framework, section 3; k = 1.2, b = 0.75.
    """
    counted = [Counter(words_of(text)) for text in texts]
    terms = {term: number for number, term in enumerate(sorted(set().union(*counted)))}
    if not terms:
        raise ValueError("no text has a word, so there is nothing to match; use a selector without texts")
    columns = np.array([terms[term] for one in counted for term in one], np.int64)
    counts = np.array([count for one in counted for count in one.values()], np.float64)
    starts = np.concatenate([[0], np.cumsum([len(one) for one in counted])])
    lengths = _per_text(counts, starts)
    rarity = np.bincount(columns, minlength=len(terms))
    idf = np.log1p((len(texts) - rarity + 0.5) / (rarity + 0.5))
    damping = SATURATION * (1 - LENGTHS + LENGTHS * lengths / lengths.mean())
    weights = idf[columns] * counts * (SATURATION + 1) / (counts + np.repeat(damping, np.diff(starts)))
    shape = len(texts), len(terms)
    present = sp.csr_array((np.ones(len(columns)), columns.copy(), starts.copy()), shape=shape)
    return sp.csr_array((weights, columns, starts), shape=shape), present


def _per_text(counts: Float[np.ndarray, " m"], starts: np.ndarray) -> Float[np.ndarray, " n"]:
    return np.bincount(np.repeat(np.arange(len(starts) - 1), np.diff(starts)), counts, minlength=len(starts) - 1)
