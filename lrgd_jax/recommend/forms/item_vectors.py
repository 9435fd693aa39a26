r"""Item vectors from their texts, of length one, so that inner products are similarities."""

import re
from collections import Counter
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.sparse_matrices import unit_rows

__all__ = ["ItemVectors", "item_vectors", "term_vectors", "words_of"]

ItemVectors: TypeAlias = Float[np.ndarray, "items d"] | sp.csr_array
"""One vector an item, dense or sparse."""

_WORD = re.compile(r"\w+")


def item_vectors(catalogue: Catalogue) -> ItemVectors | None:
    """The catalogue's dense vectors, scaled to length one; else the terms of its titles; else nothing."""
    if catalogue.vectors is not None:
        vectors = np.asarray(catalogue.vectors, np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths == 0, 1, lengths)
    return None if catalogue.titles is None else term_vectors(catalogue.titles)


def term_vectors(texts: tuple[str, ...]) -> sp.csr_array:
    r"""Terms weighted by how few texts have them, $\log(n / \mathrm{df})$, rows of length one.

    Terms of a single text are left out, since they make nothing similar; a text without any has the vector 0.

    Source: Spärck Jones 1972 (inverse document frequency).
    """
    terms = [set(words_of(text)) for text in texts]
    frequency = Counter(term for one in terms for term in one)
    shared = sorted(term for term, count in frequency.items() if count > 1)
    number = {term: column for column, term in enumerate(shared)}
    columns = [sorted(number[term] for term in one if term in number) for one in terms]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in columns])]).astype(np.int64)
    flat = np.asarray([column for one in columns for column in one], np.int64)
    weight = np.asarray([np.log(len(texts) / frequency[term]) for term in shared])
    return unit_rows(sp.csr_array((weight[flat], flat, starts), shape=(len(texts), len(shared))))


def words_of(text: str) -> list[str]:
    """Runs of letters and digits, in lower case."""
    return _WORD.findall(text.lower())
