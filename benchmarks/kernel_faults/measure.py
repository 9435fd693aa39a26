"""What the checker says of a fault, and what a comparison within a tolerance says."""

import inspect
import linecache
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.kernel_faults.fault import MARK, Fault, Point, Setting
from lrgd_jax.certify import Certificate, Counterexample, NotCertifiableError, Unrefuted, equal
from lrgd_jax.certify.tracing.shapes import Shapes, shapes_of

TOLERANCE = 1e-3
"""Relative and absolute, as `allclose` takes them."""

ERROR_RATIO = 0.005
"""Of root mean squares, as the tests of flash-linear-attention take it (its `assert_close`)."""

DRAWS = 4
FAMILIES = Path(__file__).parent / "families"


def measure(fault: Fault) -> dict[str, Any]:
    """A row of the table."""
    row: dict[str, Any] = {"name": fault.name, "source": fault.source, "says": fault.says}
    row |= refute(fault)
    if fault.definition is not None:
        row["definition"] = _holds(fault)
    row["ordinary"] = tolerated(fault, fault.ordinary)
    row["usual"] = None if fault.usual is None else tolerated(fault, fault.usual)
    return row


def refute(fault: Fault) -> dict[str, Any]:
    """Whether the checker refutes it, where, and which equation it names."""
    start = time.process_time()
    try:
        answer = equal(fault.right, fault.faulty, fault.shapes)
    except NotCertifiableError as reason:
        return {"verdict": "no answer", "why": str(reason), "seconds": time.process_time() - start}
    row: dict[str, Any] = {"seconds": round(time.process_time() - start, 2)}
    if isinstance(answer, Certificate):
        return row | {"verdict": "equal", "why": fault.no_fault}
    if isinstance(answer, Unrefuted):
        return row | {"verdict": "equal at the points tried", "why": fault.no_fault}
    return row | _refutation(fault, answer)


def _refutation(fault: Fault, answer: Counterexample) -> dict[str, Any]:
    arguments = answer.arguments or {}
    numbers = np.concatenate([np.ravel(x) for x in arguments.values()]) if arguments else np.array([])
    parting = answer.parting
    named = [step.source for step in (parting.left, parting.right) if step is not None] if parting else []
    return {
        "verdict": "refuted",
        "numbers": answer.numbers or "prime fields",
        "sizes": dict(answer.sizes),
        "arguments": {name: x.tolist() for name, x in arguments.items()},
        "entries": numbers.size,
        "nonzero": int(np.count_nonzero(numbers)),
        "right": answer.left,
        "faulty": answer.right,
        "named": named,
        "localised": "no equation" if parting is None else localised(fault, named),
    }


def localised(fault: Fault, named: list[str]) -> str:
    """How near the equations that are named, "file.py:line (function)", are to the lines that differ."""
    if not named:
        return "the same numbers in other places"
    places = [re.match(r"(\w+\.py):(\d+) \((?:.*\.)?(\w+)\)", source) for source in named]
    known = [place for place in places if place is not None]
    if any(linecache.getline(str(FAMILIES / place[1]), int(place[2])).rstrip().endswith(MARK) for place in known):
        return "the line"
    lines = [line for function in (fault.right, fault.faulty) for line in _marked(inspect.getsource(function))]
    called = any(f"{place[3]}(" in line for place in known for line in lines)
    return "a function that the line calls" if called else "another line"


def _marked(source: str) -> Iterator[str]:
    return (line for line in source.splitlines() if line.endswith(MARK))


def _holds(fault: Fault) -> str:
    """What is said of the right kernel beside its definition."""
    answer = equal(fault.definition or fault.right, fault.right, fault.shapes)
    return {True: "certified", False: "refuted" if isinstance(answer, Counterexample) else "equal where tried"}[
        bool(answer)
    ]


def tolerated(fault: Fault, setting: Setting) -> dict[str, Any]:
    """Whether tolerances let it pass, at each of some draws in float32."""
    shapes = shapes_of(fault.shapes)
    right, faulty = jax.jit(fault.right), jax.jit(fault.faulty)
    close, ratios = [], []
    for seed in range(DRAWS):
        point = setting.change(_draw(shapes, setting, seed))
        point = {name: x.astype(np.int32 if x.dtype.kind == "i" else np.float32) for name, x in point.items()}
        with jax.enable_x64(False):
            first, second = (np.asarray(f(**point), np.float64) for f in (right, faulty))
        close.append(bool(np.allclose(second, first, rtol=TOLERANCE, atol=TOLERANCE)))
        base = np.sqrt(np.mean(first**2))
        ratios.append(float(np.sqrt(np.mean((second - first) ** 2)) / base) if base else float("inf"))
    worst = max(ratios)
    return {
        "note": setting.note,
        "allclose": all(close),
        "error_ratio": worst if np.isfinite(worst) else None,
        "within_error_ratio": bool(worst < ERROR_RATIO),
    }


def _draw(shapes: Shapes, setting: Setting, seed: int) -> Point:
    """Normal numbers, uniform integers."""
    generator = np.random.default_rng(seed)
    sizes = {**shapes.sizes, **setting.sizes}
    point: Point = {}
    for name, argument in shapes.arguments.items():
        shape = shapes.shape(name, sizes)
        if argument.below is not None:
            point[name] = generator.integers(argument.below, size=shape)
            continue
        numbers = np.asarray(generator.standard_normal(shape))
        point[name] = numbers if argument.above is None else argument.above + np.abs(numbers)
    return point
