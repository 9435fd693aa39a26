"""One layer beside one explicit gradient step: how alike the changes of the scores are, and how long a step may be."""

# the stubs of jax leave parts of functions under vmap without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lrgd_jax.experiments.running.interface import Value
from lrgd_jax.item_models.episodes import NOTHING
from lrgd_jax.item_models.evaluation import Shown, UnseenTest
from lrgd_jax.item_models.explicit_steps import (
    cosine,
    curvatures,
    explicit_predictions,
    residual_growth,
    step_metric,
)
from lrgd_jax.item_models.stack import Design, Items, Params, blocks, inputs, predictions, scores

__all__ = ["step_rows"]

FACTORS = (1.0, 1.9, 2.1, 3.0)
"""Step sizes in units of 1 / lambda_max."""
DEPTH = 64
RIDGE = 0.0
"""Logarithm of the ridge that changes are compared with: one unit, as the keys' length is one."""


def step_rows(params: Params, design: Design, test: UnseenTest, shown: Shown, items: Items) -> list[dict[str, Value]]:
    """How alike the layer's change is to one explicit step and to the ridge solution; where linear, also how stable.

    Args:
        params: the scalars of one layer.
        design: the layer.
        test: the catalogue.
        shown: demonstrations of the first questions.
        items: of the episode.
    """
    count, width = len(shown.rows), items.text_width
    taken, there = np.maximum(shown.rows, 0), shown.rows != NOTHING
    x = inputs(items, test.pool.histories, test.pool.ages)[taken] * there[:, :, None].astype(np.float32)
    q = inputs(items, test.asked.histories[:count], test.asked.ages[:count])
    y = items.vectors[test.pool.targets[taken]] * there[:, :, None].astype(np.float32)
    given = q, x, y, jnp.asarray(there)
    own = np.asarray(jax.vmap(partial(predictions, params, design, width))(*given))
    layer = {"mix": params["layer0"]["mix"], "step": jnp.float32(0), "ridge": jnp.float32(RIDGE)}
    as_if = {"shared": params["shared"], "layer0": layer}
    step = np.asarray(jax.vmap(partial(explicit_predictions, as_if, 1, width))(*given))
    ridge = np.asarray(jax.vmap(partial(predictions, as_if, Design("ridge"), width))(*given))
    changes = [_change(params, items, one) for one in (own, step, ridge)]
    metric = np.asarray(step_metric(params, 0, x.shape[2], width))
    limits = 2 / np.maximum(curvatures(metric, np.asarray(x)), np.finfo(np.float32).tiny)
    row: dict[str, Value] = {
        "kind": "step",
        "cosine_step": float(cosine(changes[0], changes[1]).mean()),
        "cosine_ridge": float(cosine(changes[0], changes[2]).mean()),
        "step_to_ridge": float(cosine(changes[1], changes[2]).mean()),
        "limit": float(np.median(limits)),
    }
    if design.kind != "linear":
        return [row]
    size = float(np.exp(params["layer0"]["step"]))
    exact = np.asarray(jax.vmap(partial(explicit_predictions, params, 1, width))(*given))
    apart = np.abs(_change(params, items, exact) - changes[0]).max() / np.abs(changes[0]).max()
    row |= {"size": size, "beyond": float((size > limits).mean()), "apart": float(apart)}
    shared = params["shared"]
    start = np.asarray(blocks(x.shape[2], width, shared["text_prior"], shared["signature_prior"]))
    errors = np.asarray(y) - np.asarray(x) * start
    whole = there.all(axis=1)
    grown = {f: residual_growth(metric, np.asarray(x)[whole], errors[whole], factor=f, layers=DEPTH) for f in FACTORS}
    stable: list[dict[str, Value]] = [
        {
            "kind": "stability",
            "factor": f,
            "layers": DEPTH,
            "median_growth": float(np.median(g)),
            "grew": float((g > 1).mean()),
        }
        for f, g in grown.items()
        if len(g)
    ]
    return [row, *stable]


def _change(params: Params, items: Items, outputs: Float[np.ndarray, "q layers1 d"]) -> Float[np.ndarray, "q items"]:
    return np.asarray(scores(params, items, jnp.asarray(outputs[:, -1] - outputs[:, 0])))
