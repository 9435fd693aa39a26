"""What attention, its duals, features and positions lose in bfloat16 and float16, over 4,096 tokens and six decades.

python benchmarks/narrow_formats.py writes docs/results/narrow-formats/summary.json, from which the table of
docs/how-sure.md is drawn. Keys, queries and values are normal numbers at scales from 2^-10 to 2^10, rounded to the
format; steps and ridges are adapted to the scale, by powers of two, so that no form diverges. The reference is the same
form in float64 on the same rounded numbers. An error is relative to the largest entry of the reference. The bound is
the running error of the narrow program at scale 1 (`lrgd_jax.certify.running_error`) on the same numbers.

With --before PATH another checkout is measured beside this one, as far as each name takes less than a minute and a half
of it: where weights are constants of the program, XLA may compute them for an hour while it compiles.
"""

import argparse
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402 (after the configuration)
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.forms import FORMS  # noqa: E402 (beside the tests, which is on no path)

from lrgd_jax import dual_of  # noqa: E402
from lrgd_jax.atomic import write_json  # noqa: E402
from lrgd_jax.attention import AttentionForm, RidgeAttention  # noqa: E402
from lrgd_jax.certify import running_error  # noqa: E402
from lrgd_jax.features import DPFP, PositiveRandomFeatures, TaylorFeatures, elu_plus_one, identity, relu  # noqa: E402
from lrgd_jax.positions import alibi_bias, rotary_frequencies, rotate  # noqa: E402

FORMATS = ("bfloat16", "float16")
TOKENS, QUERIES, DUAL_QUERIES, CUBIC = 4096, 8, 2, 256
SCALES = tuple(2.0**k for k in (-10, -7, -3, 0, 3, 7, 10))
BOUNDED = 1.0
"""The scale at which the bound is derived: a walk through 4,096 tokens takes a while."""
LONGEST = 90
"""Seconds that another checkout has for one name."""
PER_SQUARE = ("strength", "learning_rate")
"""Fields that are steps on a squared error: their product with the square of a key must not grow."""
FEATURES: dict[str, Callable] = {
    "identity": identity,
    "elu+1": elu_plus_one,
    "relu": relu,
    "taylor": TaylorFeatures(2),
    "dpfp": DPFP(2),
    "random features": PositiveRandomFeatures(np.random.default_rng(0).standard_normal((6, 4))),
}


def at_scale(form: AttentionForm, scale: jax.Array, tokens: int) -> AttentionForm:
    """The form with steps and ridges that suit keys of this scale."""
    names = {field.name for field in fields(form)}  # pyright: ignore[reportArgumentType]
    square = jnp.maximum(scale * scale, 1.0) if "strength" in names else scale * scale
    many = tokens / 16 if "steps" in names else 1.0
    changes = {name: getattr(form, name) / (square * many) for name in PER_SQUARE if name in names}
    if "ridge" in names:
        changes["ridge"] = getattr(form, "ridge") * scale * scale  # noqa: B009 (forms without it are passed over)
    return replace(form, **changes) if changes else form  # pyright: ignore[reportArgumentType]


def form_cases() -> dict[str, tuple[Callable, Callable | None, int, int]]:
    """By name: the form, its dual, how many tokens it reads, and how many queries ask."""
    cases = {}
    for name, form in FORMS.items():
        # the kernel form of ridge attention eliminates a matrix of all tokens, n^3 operations
        tokens = CUBIC if isinstance(form, RidgeAttention) and form.algorithm == "kernel" else TOKENS

        def attend(q, k, v, scale, form=form, tokens=tokens):
            return at_scale(form, scale, tokens)(q, k, v)

        def train(q, k, v, scale, form=form, tokens=tokens):
            return dual_of(at_scale(form, scale, tokens))(q, k, v, demonstrations=tokens // 2)

        cases[name] = attend, train, tokens, QUERIES
    return cases


def other_cases() -> dict[str, tuple[Callable, None, int, int]]:
    """Features of all tokens, rotated tokens and distances."""

    def rotated(layout):
        return lambda q, k, v, scale: rotate(k, jnp.arange(TOKENS), rotary_frequencies(4), layout)

    cases = {
        f"features: {name}": lambda q, k, v, scale, feature_map=feature_map: jax.vmap(feature_map)(k)
        for name, feature_map in FEATURES.items()
    }
    cases |= {f"positions: rotary, {layout}": rotated(layout) for layout in ("half", "interleaved")}
    cases["positions: ALiBi"] = lambda q, k, v, scale: alibi_bias(1, TOKENS, 2.0**-6, k.dtype)
    return {name: (function, None, TOKENS, TOKENS) for name, function in cases.items()}


def drawn(scale: float, dtype: str, tokens: int, queries: int) -> tuple[jax.Array, ...]:
    """Queries, keys and values at a scale."""
    rng = np.random.default_rng(0)
    q, k, v = (jnp.asarray(scale * rng.standard_normal((tokens, width)), dtype) for width in (4, 4, 3))
    return q[-queries:], k, v


def relative_error(outputs: jax.Array, exact: np.ndarray, dtype: str) -> float | str:
    """The largest error against the largest entry; or why there is none."""
    form = jnp.finfo(dtype)
    if not np.isfinite(exact).all():
        return "no value"
    within = np.abs(exact) <= float(form.max)
    if not within.any():
        return "out of range"
    wrong = np.abs(np.asarray(outputs, np.float64) - exact)[within]
    size = max(float(np.abs(exact[within]).max()), float(form.smallest_normal))
    return float(wrong.max() / size) if np.isfinite(wrong).all() else "not finite"


def measure(name: str, bounds: bool) -> list[dict]:
    """One row a format and scale."""
    attend, train, tokens, queries = {**form_cases(), **other_cases()}[name]
    functions = {"error": jax.jit(attend)} | ({} if train is None else {"dual": jax.jit(train)})
    rows = []
    for dtype in FORMATS:
        for scale in SCALES:
            row: dict = {"name": name, "format": dtype, "scale": scale}
            for kind, function in functions.items():
                q, k, v = drawn(scale, dtype, tokens, DUAL_QUERIES if kind == "dual" else queries)
                factor = jnp.asarray(scale, "float32"), jnp.asarray(scale, "float64")
                exact = np.asarray(function(*(x.astype("float64") for x in (q, k, v)), factor[1]))
                try:
                    row[kind] = relative_error(function(q, k, v, factor[0]), exact, dtype)
                except TypeError:
                    # another checkout may not take numbers of different formats
                    row[kind] = "refused"
                if kind == "error" and bounds and scale == BOUNDED and not isinstance(row[kind], str):
                    size = max(float(np.abs(exact).max()), float(jnp.finfo(dtype).smallest_normal))
                    bound = running_error(attend, q, k, v, factor[0]).error
                    largest = float(np.max(bound)) / size
                    row["bound"] = largest if np.isfinite(largest) else "infinite"
                    wrong = np.abs(np.asarray(function(q, k, v, factor[0]), float) - exact)
                    known = np.isfinite(bound)
                    shares = wrong[known] / np.maximum(bound[known], np.finfo(float).tiny)
                    row["of bound"] = float(shares.max(initial=0.0))
            rows.append(row)
    return rows


def worst(rows: list[dict], kind: str) -> float | None:
    """The largest number over the scales; None where there is none at any of them."""
    return max((row[kind] for row in rows if isinstance(row.get(kind), float)), default=None)


def summarise(rows: list[dict]) -> list[dict]:
    """One row a name and format: the worst over the scales, and at how many of them there is no value, and why."""
    summary = []
    for name, dtype in dict.fromkeys((row["name"], row["format"]) for row in rows):
        rounding = float(jnp.finfo(dtype).eps)
        of = [row for row in rows if (row["name"], row["format"]) == (name, dtype)]
        entry: dict = {"name": name, "format": dtype}
        far = [row["scale"] for row in of if isinstance(row.get("dual"), float) and row["dual"] > rounding]
        near = [row for row in of if row["scale"] not in far]
        entry |= {"error": worst(of, "error"), "dual": worst(near, "dual"), "of bound": worst(of, "of bound")}
        entry["dual far off"] = far
        entry["bound"] = next(row.get("bound") for row in of if row["scale"] == BOUNDED)
        for word in ("no value", "out of range", "not finite", "refused"):
            entry[word] = [row["scale"] for row in of if row["error"] == word]
        entry["dual not finite"] = [row["scale"] for row in of if row.get("dual") == "not finite"]
        summary.append(entry)
    return summary


def measure_before(checkout: Path, name: str) -> list[dict]:
    """The same in another checkout, without bounds, in a process of its own; nothing where it takes too long."""
    command = [sys.executable, __file__, "--rows", name]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    try:
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        print(f"{name}: not within {LONGEST} s in {checkout.name}", file=sys.stderr, flush=True)
        return []
    return json.loads(done.stdout)


def main() -> None:
    known = [*form_cases(), *other_cases()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(known)}; all unless given")
    parser.add_argument("--before", type=Path, help="another checkout to measure beside this one")
    parser.add_argument("--rows", action="store_true", help="print errors as JSON, without bounds, and write nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "narrow-formats" / "summary.json")
    options = parser.parse_args()
    names = options.names or known
    warnings.simplefilter("ignore")
    rows = []
    for name in names:
        rows += measure(name, bounds=not options.rows)
        print(*summarise(rows)[-2:], sep="\n", file=sys.stderr, flush=True)
    if options.rows:
        print(json.dumps(rows))
        return
    summary = summarise(rows)
    if options.before is not None:
        earlier = [row for name in names for row in measure_before(options.before.resolve(), name)]
        before = {(x["name"], x["format"]): x for x in summarise(earlier)}
        for entry in summary:
            was = before.get((entry["name"], entry["format"]))
            if was is not None:
                entry["before"] = {key: was[key] for key in ("error", "dual", "not finite", "dual not finite")}
    setting = {"tokens": TOKENS, "scales": SCALES, "bound at": BOUNDED, "tokens of ridge by kernel": CUBIC}
    if options.before is not None:
        setting["seconds before, at most"] = LONGEST
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, {"setting": setting, "rows": summary})


if __name__ == "__main__":
    main()
