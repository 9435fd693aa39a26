"""Greedy choice of items that are good and not alike: maximal marginal relevance, and determinantal point processes."""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

__all__ = ["greedy_dpp", "greedy_mmr"]


def greedy_mmr(
    relevance: Float[np.ndarray, " N"], rows: sp.csr_array, count: int, diversity: float
) -> Int[np.ndarray, " K"]:
    r"""Takes the largest $(1-\lambda)\,r_i - \lambda\max_{j\text{ chosen}}\langle z_i, z_j\rangle$, again and again.

    Args:
        relevance: r; scaled so that its largest is 1.
        rows: z, one a candidate, of length one and not negative, shape [N, d].
        count: how many to take.
        diversity: lambda, from 0 to 1.

    Source:
        Carbonell and Goldstein 1998, SIGIR.
    """
    top = np.abs(relevance).max()
    score = (1 - diversity) * relevance / (top if top > 0 else 1)
    alike = np.zeros(len(relevance))
    by_feature = sp.csc_array(rows)
    marginal, chosen = score.copy(), np.empty(min(count, len(relevance)), np.int64)
    for step in range(len(chosen)):
        chosen[step] = best = int(np.argmax(marginal))
        near, cosine = _neighbours(by_feature, rows, best)
        alike[near] = np.maximum(alike[near], cosine)
        marginal[near] = np.where(marginal[near] == -np.inf, -np.inf, score[near] - diversity * alike[near])
        marginal[best] = -np.inf
    return chosen


def greedy_dpp(rows: sp.csr_array, quality: Float[np.ndarray, " N"], count: int) -> Int[np.ndarray, " K"]:
    r"""Takes the candidate that adds most to $\log\det L_S$, $L_{ij} = q_i\langle z_i,z_j\rangle q_j$, again and again.

    Ends earlier where nothing is left that is not a combination of the chosen.

    Args:
        rows: z, one a candidate, of length one, shape [N, d].
        quality: q, positive, shape [N].
        count: how many to take.

    Source:
        Chen, Zhang and Zhou 2018, arXiv 1709.05135, algorithm 1 (an incremental Cholesky factor).
    """
    gains = quality**2
    smallest = len(rows.indptr) * np.finfo(float).eps * gains.max()
    factor = np.zeros((min(count, len(quality)), len(quality)), np.float64)
    dense, chosen = sp.csc_array(rows), []
    for step in range(len(factor)):
        best = int(np.argmax(gains))
        if gains[best] <= smallest:
            break
        near, cosine = _neighbours(dense, rows, best)
        line = -(factor[:step, best] @ factor[:step])
        line[near] += quality[best] * quality[near] * cosine
        factor[step] = line / np.sqrt(gains[best])
        gains = gains - factor[step] ** 2
        gains[best] = -np.inf
        chosen.append(best)
    return np.array(chosen, np.int64)


def _neighbours(
    by_feature: sp.csc_array, rows: sp.csr_array, one: int
) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Who shares a feature with one candidate, and their inner products."""
    start, end = rows.indptr[one], rows.indptr[one + 1]
    sharing, parts = [], []
    for feature, weight in zip(rows.indices[start:end], rows.data[start:end], strict=True):
        column = slice(by_feature.indptr[feature], by_feature.indptr[feature + 1])
        sharing.append(by_feature.indices[column])
        parts.append(by_feature.data[column] * weight)
    near, which = np.unique(np.concatenate(sharing), return_inverse=True)
    return near, np.bincount(which, np.concatenate(parts), minlength=len(near))
