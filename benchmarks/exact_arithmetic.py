"""How long the exact layer takes at the sizes that attention ships in, beside another checkout.

python -m benchmarks.exact_arithmetic --before PATH writes docs/results/speed/exact-arithmetic.json: CPU seconds of a
verdict in this checkout and in one at PATH, each in a process of its own, and what was decided, beside the targets.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.speed_results import Ratio, median, write_ratios
from lrgd_jax.attention import (
    chunked_delta_rule,
    chunked_gated_linear_attention,
    chunked_linear_attention,
    linear_attention,
    recurrent_delta_rule,
    recurrent_gated_linear_attention,
    softmax_attention,
    streaming_softmax_attention,
)
from lrgd_jax.certify import trace
from lrgd_jax.certify.verdicts.case_by_case import decide_exactly
from lrgd_jax.certify.verdicts.random_fields import Prepared

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 240
"""Seconds after which a verdict is given up."""

Array = jax.Array
Attention = Callable[..., Array | tuple[Array, ...]]


def quadratic(q: Array, k: Array, v: Array) -> Array:
    return linear_attention(q, k, v, mask=jnp.tri(len(q), dtype=bool))


def from_gradients(q: Array, k: Array, v: Array) -> Array:
    """The dual: a step of gradient descent on the alignment loss, by `jax.grad`."""
    start = jnp.zeros((v.shape[1], k.shape[1]))
    step = -jax.grad(lambda weights: -jnp.sum(v * (k @ weights.T)))(start)
    return q @ step.T


def gradients(attention: Callable[..., Array]) -> Attention:
    return lambda *x: jax.grad(lambda *y: jnp.sum(attention(*y) * y[2]), argnums=(0, 1, 2))(*x)


def naive(q: Array, k: Array, v: Array) -> Array:
    weights = jnp.exp(q @ k.T * q.shape[1] ** -0.5)
    return weights @ v / weights.sum(axis=1, keepdims=True)


def scaled(q: Array, k: Array, v: Array) -> Array:
    """Logits that are wrong in their fortieth binary digit."""
    return naive(q * (1 + 2.0**-40), k, v)


def ring_merged(q: Array, k: Array, v: Array) -> Array:
    """Four devices with a part of the keys each, whose results are merged by their largest logits."""
    parts = []
    for keys, values in zip(jnp.split(k, 4), jnp.split(v, 4), strict=True):
        logits = q @ keys.T * q.shape[1] ** -0.5
        own = logits.max(axis=1, keepdims=True)
        weights = jnp.exp(logits - own)
        parts.append((own, weights @ values, weights.sum(axis=1, keepdims=True)))
    largest, above, below = parts[0]
    for own, numerator, denominator in parts[1:]:
        new = jnp.maximum(largest, own)
        old, fresh = jnp.exp(largest - new), jnp.exp(own - new)
        above, below, largest = old * above + fresh * numerator, old * below + fresh * denominator, new
    return above / below


def backward(q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    """Gradients from weights, as FlashAttention recomputes them: Dao et al. 2022, algorithm 4."""
    s = q.shape[1] ** -0.5
    logits = q @ k.T * s
    weights = jnp.exp(logits - logits.max(axis=1, keepdims=True))
    p = weights / weights.sum(axis=1, keepdims=True)
    change = v @ v.T
    inner = p * (change - jnp.sum(p * change, axis=1, keepdims=True)) * s
    return inner @ k, inner.T @ q, p.T @ v


def forward_only(q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    """The gradients of a sum of outputs times values that count as constants there."""
    return jax.grad(lambda *x: jnp.sum(softmax_attention(*x) * jax.lax.stop_gradient(v)), argnums=(0, 1, 2))(q, k, v)


@dataclass(frozen=True)
class Case:
    """Two functions, what is asked for of them, and whether the other checkout is asked too, which may take long."""

    left: Attention
    right: Attention
    equal: bool = True
    more: str = ""
    compared: bool = False

    def arguments(self, n: int, d: int) -> list[jax.ShapeDtypeStruct]:
        shapes = [(n, d)] * 3 + {"": [], "strengths": [(n,)], "gates": [(n, d)]}[self.more]
        return [jax.ShapeDtypeStruct(shape, jnp.float64) for shape in shapes]


def delta(*x: Array) -> Array:
    return recurrent_delta_rule(*x)[0]


def gated(*x: Array) -> Array:
    return recurrent_gated_linear_attention(*x)[0]


CASES = {
    "linear attention, chunked": Case(chunked_linear_attention, quadratic, compared=True),
    "linear attention, its dual by jax.grad": Case(linear_attention, from_gradients),
    "linear attention, chunked, gradients": Case(gradients(chunked_linear_attention), gradients(quadratic)),
    "delta rule, chunked": Case(chunked_delta_rule, delta, more="strengths", compared=True),
    "delta rule, chunked, gradients": Case(gradients(chunked_delta_rule), gradients(delta), more="strengths"),
    "gated linear attention, chunked": Case(chunked_gated_linear_attention, gated, more="gates"),
    "softmax, shifted by its maximum": Case(naive, softmax_attention, compared=True),
    "softmax, streaming": Case(softmax_attention, streaming_softmax_attention),
    "softmax, merged from a ring": Case(softmax_attention, ring_merged),
    "softmax, backward": Case(forward_only, backward),
    "softmax, wrong by 2^-40": Case(scaled, softmax_attention, equal=False),
}
SIZES = [(16, 16), (128, 64), (256, 64)]
COMPARED, LARGEST = 128, 256
"""Tokens at which the other checkout is asked too, and at which the seconds are aimed at."""
SECONDS = {"softmax": 20.0}
"""At the largest size, by how a case begins; 10 for all others."""
FASTER = 0.05
"""The ratio that is aimed at where both decide."""


def decide(name: str, n: int, d: int, repeats: int) -> dict[str, object]:
    """Runs in a process of its own: the median of several runs, or one run of what takes long."""
    case, seconds = CASES[name], []
    with jax.enable_x64(True):
        arguments = case.arguments(n, d)
        left, right = (trace(f, *arguments) for f in (case.left, case.right))
        while True:
            start = time.process_time()
            verdict = decide_exactly(left, right, Prepared(arguments), seed=0)
            seconds.append(time.process_time() - start)
            if len(seconds) == repeats or sum(seconds) > LONGEST / repeats:
                break
    said = {key: value for key, value in vars(verdict).items() if key in ("false_accept", "depth", "degree", "reason")}
    right_or_wrong = type(verdict).__name__ == ("Agreement" if case.equal else "Disagreement")
    return {
        "seconds": round(median(seconds), 4),
        "runs": len(seconds),
        "verdict": type(verdict).__name__,
        "as it should be": right_or_wrong,
        **said,
    }


def measure(name: str, n: int, d: int, checkout: Path, repeats: int) -> dict[str, object]:
    """In another process, with the package of a checkout."""
    command = [sys.executable, str(Path(__file__).resolve()), "--one", json.dumps([name, n, d, repeats])]
    # the package is that of the checkout, the benchmarks are these
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(checkout), str(ROOT)])}
    try:
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, check=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return {"seconds": LONGEST, "runs": 0, "verdict": f"given up after {LONGEST} s"}
    return json.loads(done.stdout.decode().splitlines()[-1])


def ratios(rows: list[dict[str, Any]]) -> list[Ratio]:
    """Against the other checkout where there is one, and against the seconds that are aimed at."""
    found = []
    for row in rows:
        size, seconds = f"{row['case']}, {row['n']} tokens", row["now"]["seconds"]
        if row["n"] == LARGEST:
            limit = SECONDS.get(row["case"].split(",")[0], 10.0)
            found.append(Ratio(f"{size}: CPU seconds by the {limit:g} aimed at", seconds / limit, 1.0))
        if "before" in row:
            before = row["before"]
            note = "" if before["verdict"] == row["now"]["verdict"] else f"before: {before['verdict']}"
            target = FASTER if row["n"] == COMPARED else None
            found.append(Ratio(f"{size}: now / before", seconds / before["seconds"], target, note))
    return found


def named(only: str) -> list[str]:
    """The case of that name, or all whose names contain it."""
    return [only] if only in CASES else [name for name in CASES if only in name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="another checkout to compare with, at 128 tokens and below")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each verdict that takes seconds only")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "speed" / "exact-arithmetic.json")
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="cases whose names contain this, for another --out")
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(decide(*options.one)))
        return
    rows: list[dict[str, Any]] = []
    for name in named(options.only):
        for n, d in SIZES:
            taken = {"now": measure(name, n, d, ROOT, options.repeats)}
            if options.before is not None and CASES[name].compared and n <= COMPARED:
                taken["before"] = measure(name, n, d, options.before.resolve(), options.repeats)
            rows.append({"case": name, "n": n, "d": d, **taken})
            print(json.dumps(rows[-1]), flush=True)
    write_ratios(options.out, ratios(rows), unit="CPU seconds of a verdict, median", limit=LONGEST, verdicts=rows)


if __name__ == "__main__":
    main()
