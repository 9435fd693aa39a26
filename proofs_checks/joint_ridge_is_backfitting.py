"""One ridge on the features of ids and of texts splits exactly, into parts that are no models trained apart."""

import jax.numpy as jnp

from lrgd_jax.attention import ridge_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter
from lrgd_jax.dual import DualModel


def positive_ridge(ridge):
    return {"ridge": 0.25 + ridge * ridge}


def one_step(query, keys, targets):
    model = DualModel.untrained(keys, targets)
    return model.predict(model.train(), query[None])[0]


def joined(id_query, text_query, ids, texts, targets, ridge):
    """Models on the concatenated features: one step on the alignment loss, and ridge."""
    query, keys = jnp.concatenate([id_query, text_query]), jnp.concatenate([ids, texts], axis=1)
    return {
        "one step": one_step(query, keys, targets),
        "ridge": ridge_attention(query[None], keys, targets, ridge)[0],
    }


def joint_residuals(ids, texts, targets, ridge):
    """What the parts of the ridge on both leave for each other; the parts read common coefficients."""
    moment = ids @ ids.T + texts @ texts.T + ridge * jnp.eye(ids.shape[0], dtype=ids.dtype)
    coefficients = jnp.linalg.solve(moment, targets)
    return targets - texts @ (texts.T @ coefficients), targets - ids @ (ids.T @ coefficients)


def no_residuals(ids, texts, targets, ridge):
    """Both are trained apart, on the targets themselves."""
    return targets, targets


def residuals_of_the_ids(ids, texts, targets, ridge):
    """The texts learn what the ids, trained first, have left."""
    return targets, targets - ridge_attention(ids, ids, targets, ridge)


def split(id_query, text_query, ids, texts, targets, ridge, residuals=joint_residuals, share=1.0):
    """Each part is a ridge of its own, on what the other part leaves of the targets."""
    for_ids, for_texts = residuals(ids, texts, targets, ridge)
    by_ids = ridge_attention(id_query[None], ids, for_ids, ridge)[0]
    by_texts = ridge_attention(text_query[None], texts, for_texts, ridge)[0]
    return {
        "one step": share * (one_step(id_query, ids, targets) + one_step(text_query, texts, targets)),
        "ridge": by_ids + by_texts,
    }


claim = Claim(
    slug="joint-ridge-is-backfitting",
    title="Scores of ids and of texts add up to one model after one step, and after ridge only on each other's residuals",
    group="F",
    statement=r"""
Demonstration $i$ has features $x_i$ of ids and $z_i$ of texts, and a target $y_i$. One step on the alignment loss with the features $[x;z]$ scores as the sum of two models, on $x$ and on $z$ alone. Ridge on $[x;z]$ splits exactly as well, $f = f_x+f_z$, with shared coefficients $c = (XX^\top+ZZ^\top+\lambda I)^{-1}Y$,
$f_x(q) = c^\top Xq_x$, $f_z(q) = c^\top Zq_z$; but each part is the ridge of what the *other* leaves,
$$f_x = \operatorname{ridge}_x(Y-f_z),\qquad f_z = \operatorname{ridge}_z(Y-f_x) .$$
""",
    assumptions=("$\\lambda > 0$",),
    proof=r"""
$[x;z]^\top[x';z'] = x^\top x'+z^\top z'$: kernels add, and the step is linear in the kernel. For ridge, $(XX^\top+\lambda I)\,c = Y-ZZ^\top c = Y-f_z$ at the demonstrations, so $c$ are also the coefficients of $\operatorname{ridge}_x(Y-f_z)$; likewise for $z$. $\square$

So an explanation of the joint model splits into ids and texts exactly, demonstration by demonstration. Its parts are the fixed point of backfitting. For weights of the two parts scale the features by their roots. Softmax does not split: $e^{a+b}$ is a product of kernels.
""",
    source="sums of independently trained models of ids and of texts: Collins et al. 2025, arXiv 2512.17820; backfitting: Friedman and Stuetzle 1981; elementary",
    arguments={
        "id_query": "a",
        "text_query": "b",
        "ids": "n a",
        "texts": "n b",
        "targets": "n m",
        "ridge": "",
    },
    dimensions={"n": (2, 3), "a": (1, 2), "b": (1, 2), "m": (1, 2)},
    shapes=({"n": 2, "a": 2, "b": 1, "m": 2}, {"n": 2, "a": 1, "b": 2, "m": 1}),
    given=positive_ridge,
    left=joined,
    right=split,
    mutants=(
        Mutant(
            "ridge models trained apart are added",
            alter(split, residuals=no_residuals),
            quoted=Misquotation(
                says="Adding the scores of a model of ids and of a model of texts, each trained by itself, is one model on both kinds of features.",
                source="commonly read into ensembles such as Collins et al. 2025, arXiv 2512.17820, which does not say so",
                rather="True after one step on the alignment loss, whose kernels add. After ridge the parts of the joint model are fitted to what the other part leaves; models trained apart count twice what both know.",
            ),
        ),
        Mutant("the sum is a mean", alter(split, share=0.5)),
        Mutant("one after the other, each once", alter(split, residuals=residuals_of_the_ids)),
    ),
)
