"""Updates that are called gradient descent: which are, of which loss, and what shows that the others are not.

python benchmarks/gradient_updates.py --json docs/results/which-optimiser/summary.json
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lrgd_jax.certify import is_gradient

TOKEN = "S:dv=2,dk=2; k:dk; v:dv"
GRADIENT, NONE, UNDECIDED = "gradient", "no gradient", "undecided"
GATE = (1, 2)
"""A gate of two channels that is the same for all tokens."""


def delta(S, k, v):
    return S - jnp.outer(S @ k - v, k)


def gated_delta(S, k, v, g):
    return g * S - jnp.outer(g * (S @ k) - v, k)


def gated_delta_error_before_decay(S, k, v, g):
    return g * S - jnp.outer(S @ k - v, k)


def gated_delta_net_2(S, k, v, b, w):
    return S - jnp.outer(S @ (b * k) - w * v, k)


def gated_delta_net_2_with_a_fixed_gate(S, k, v, w):
    return gated_delta_net_2(S, k, v, jnp.asarray(GATE, S.dtype), w)


def rwkv_7(S, k, v, removal, rate, decay):
    return S * decay[None, :] - jnp.outer(S @ removal, rate * removal) + jnp.outer(v, k)


def hebb(S, k, v):
    return S + jnp.outer(v, k)


def oja(S, x):
    y = S @ x
    return S + y * (x - y * S)


def gated_oja_of_fla(S, k, v, a, b):
    faded = S * a[None, :]
    return faded + b * jnp.outer(v, k - v @ faded)


def momentum_of_the_pair(Z, k, v):
    weights, velocity = Z
    faster = velocity / 2 - jax.grad(lambda w: jnp.sum((w @ k - v) ** 2))(weights)
    return jnp.stack([weights + faster, faster])


def adam_first_step(S, k, v):
    gradient = jax.grad(lambda w: jnp.sum((w @ k - v) ** 2))(S)
    return -gradient / (jnp.sqrt(gradient**2) + 1)


def sign_descent(S, k, v):
    return -jnp.sign(jax.grad(lambda w: jnp.sum((w @ k - v) ** 2))(S))


def cross_entropy(S, k, v):
    return jnp.outer(jax.nn.softmax(S @ k) - v, k)


def cross_entropy_by_autodiff(S, k, v):
    return jax.grad(lambda w: jax.nn.logsumexp(w @ k) - v @ (w @ k))(S)


def kernel_step(C, x, y):
    gram = x @ x.T
    return C - (gram @ C - y)


def functional_step_of_softmax(C, x, y):
    gram = jnp.exp(x @ x.T)
    return C - (gram @ C - y)


def decayed_full_batch(S, x, y, g):
    return g * S - jax.grad(lambda w: jnp.sum((x @ w.T - y) ** 2))(S)


def decay_of_each_feature(S, k, v, decay):
    return S * decay[None, :] + jnp.outer(v, k)


def newton_schulz(S):
    return 1.5 * S - 0.5 * S @ S.T @ S


def preconditioned(S, k, v, scales):
    return jnp.outer(S @ k - v, k * scales)


def hopfield(q, X):
    return jax.nn.softmax(X @ q) @ X


def cross_attention(q, X, Y):
    return jax.nn.softmax(X @ q) @ Y


def recurrent(S, W):
    return jnp.tanh(W @ S)


def one_sided_penalty(S, k, v):
    return jax.grad(lambda w: jnp.sum((w @ k - v) ** 2))(S) + jnp.maximum(S, 0)


def by_b(tangent, b):
    return tangent * b[None, :]


def by_inverse_scales(tangent, scales):
    return tangent / scales[None, :]


@dataclass(frozen=True)
class Row:
    """An update and what is known of it.

    Attributes:
        says: what it is, in words.
        update: a function of the state and more.
        shapes: of its arguments.
        wrt: the name of the state.
        verdict: the right one.
        metric: under which it is asked; "any" where a constant one is searched for.
        degree: of the loss, where it is a polynomial.
        matrix: of the metric that is found.
    """

    says: str
    update: Callable[..., Array]
    shapes: str
    wrt: str
    verdict: str
    metric: Callable[..., Array] | Literal["any"] | None = None
    degree: int | None = None
    matrix: tuple[tuple[int, ...], ...] | None = None


ROWS = (
    Row("delta rule", delta, TOKEN, "S", GRADIENT, degree=1),
    Row("gated delta rule", gated_delta, f"{TOKEN}; g:", "S", GRADIENT, degree=1),
    Row(
        "gated delta rule with the error read before the decay: of another loss, 1/2 |S k - v|^2 + (1 - g)/2 |S|^2",
        gated_delta_error_before_decay,
        f"{TOKEN}; g:",
        "S",
        GRADIENT,
        degree=1,
    ),
    Row("Gated DeltaNet-2 (arXiv 2605.22791)", gated_delta_net_2, f"{TOKEN}; b:dk; w:dv", "S", NONE),
    Row("the same under the metric diag(b)", gated_delta_net_2, f"{TOKEN}; b:dk; w:dv", "S", GRADIENT, by_b, 1),
    Row("the same, if one metric is to serve all gates", gated_delta_net_2, f"{TOKEN}; b:dk; w:dv", "S", NONE, "any"),
    Row(
        "the same with one gate, (1, 2), for all tokens: its metric is found",
        gated_delta_net_2_with_a_fixed_gate,
        f"{TOKEN}; w:dv",
        "S",
        GRADIENT,
        "any",
        1,
        ((1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 1, 0), (0, 0, 0, 2)),
    ),
    Row("RWKV-7's transition", rwkv_7, f"{TOKEN}; removal:dk; rate:dk; decay:dk", "S", NONE),
    Row("Hebb's rule", hebb, TOKEN, "S", GRADIENT, degree=1),
    Row("Oja's rule", oja, "S:d=2; x:d", "S", NONE),
    Row(
        "the gated Oja rule of flash-linear-attention: the delta rule of the map from values to keys",
        gated_oja_of_fla,
        f"{TOKEN}; a:dk; b:",
        "S",
        GRADIENT,
        degree=1,
    ),
    Row(
        "momentum, as a map of weights and velocity together",
        momentum_of_the_pair,
        "Z:2,dv=1,dk=2; k:dk; v:dv",
        "Z",
        NONE,
    ),
    Row(
        "the same under a constant metric: one is found, and it is indefinite",
        momentum_of_the_pair,
        "Z:2,dv=1,dk=2; k:dk; v:dv",
        "Z",
        GRADIENT,
        "any",
        1,
        ((-1, 0, -1, 0), (0, -1, 0, -1), (-1, 0, 1, 0), (0, -1, 0, 1)),
    ),
    Row("Adam's first step", adam_first_step, TOKEN, "S", NONE),
    Row("sign descent: its Jacobian is zero where there is one, and it jumps", sign_descent, TOKEN, "S", UNDECIDED),
    Row("step on the cross-entropy", cross_entropy, "S:dv=2,dk=1; k:dk; v:dv", "S", GRADIENT),
    # JAX's logsumexp compares and takes signs, of numbers that are always positive; that is not seen
    Row(
        "the same by jax.grad of logsumexp, in which JAX takes signs",
        cross_entropy_by_autodiff,
        "S:dv=2,dk=1; k:dk; v:dv",
        "S",
        UNDECIDED,
    ),
    Row("step of kernel regression", kernel_step, "C:n=3,u=1; x:n,d=2; y:n,u", "C", GRADIENT, degree=1),
    Row(
        "functional step of softmax attention's kernel",
        functional_step_of_softmax,
        "C:n=2,u=1; x:n,d=2; y:n,u",
        "C",
        GRADIENT,
        degree=1,
    ),
    Row("full-batch step with decay", decayed_full_batch, "S:dv=1,dk=2; x:n=2,dk; y:n,dv; g:", "S", GRADIENT, degree=1),
    Row("decay of each feature, and Hebb's rule", decay_of_each_feature, f"{TOKEN}; decay:dk", "S", GRADIENT, degree=1),
    Row("Newton-Schulz iteration", newton_schulz, "S:n=2,d=2", "S", GRADIENT, degree=3),
    Row("step with scales of features", preconditioned, f"{TOKEN}; scales:dk above 0", "S", NONE),
    Row(
        "the same under the metric of the inverse scales",
        preconditioned,
        f"{TOKEN}; scales:dk above 0",
        "S",
        GRADIENT,
        by_inverse_scales,
        1,
    ),
    Row("Hopfield's update of the query", hopfield, "q:d=2; X:n=2,d", "q", GRADIENT),
    Row(
        "attention as an update of the query, keys and values apart",
        cross_attention,
        "q:d=2; X:n=2,d; Y:n,d",
        "q",
        NONE,
    ),
    Row("recurrent network", recurrent, "S:n=2; W:n,n", "S", NONE),
    Row(
        "step with a penalty of positive weights", one_sided_penalty, "S:dv=1,dk=2; k:dk; v:dv", "S", GRADIENT, degree=1
    ),
)


def decide(row: Row) -> dict[str, Any]:
    """The verdict on an update, with its loss or its witness."""
    start = time.process_time()
    answer = is_gradient(row.update, row.shapes, wrt=row.wrt, metric=row.metric)
    seconds = time.process_time() - start
    content = answer.as_dict()
    kept = (
        "verdict",
        "metric",
        "matrix",
        "definite",
        "sizes",
        "arguments",
        "entries",
        "derivatives",
        "no_metric",
        "reason",
    )
    result = {"says": row.says, "update": row.update.__name__, "shapes": row.shapes, "wrt": row.wrt}
    result |= {key: content[key] for key in kept if content.get(key) is not None}
    loss: Any = content.get("loss")
    if loss:
        result["loss"] = loss["formula"]
    return result | {"right": answer.as_dict()["verdict"] == row.verdict, "seconds": round(seconds, 2)}


def main() -> None:
    """Decides all of them, and keeps the table; ends with 1 where a verdict is wrong."""
    parser = argparse.ArgumentParser(description="Decide which updates are gradients.")
    parser.add_argument("--json", type=Path, help="where the table goes")
    options = parser.parse_args()
    rows = []
    for row in ROWS:
        rows.append(decide(row))
        print(f"{rows[-1]['seconds']:6.2f} s  {row.says}: {rows[-1]['verdict']}", flush=True)
    wrong = sum(not row["right"] for row in rows)
    print(f"{len({row.update for row in ROWS})} updates, {len(rows)} questions, {wrong} wrong")
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"wrong": wrong, "rows": rows}, indent=1, ensure_ascii=False) + "\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
