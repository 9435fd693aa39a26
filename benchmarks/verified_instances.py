"""How many instances of linear attention against its dual are evaluated, bounded and compared in a second.

python -m benchmarks.verified_instances writes docs/results/speed/verified-instances.json: by the walk over single
instances, and by one compiled program for many (`lrgd_jax.certify.bounded`), in turns; medians of five, float64, 16
demonstrations of width 8. Compilation is not counted, and said.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax

from benchmarks.speed_results import Ratio, median, write_ratios
from lrgd_jax.claims import load_claims
from lrgd_jax.claims.comparison import compare
from lrgd_jax.claims.compiled_shape import CompiledShape, claim_key, make_shape
from lrgd_jax.claims.mapped_instances import AT_ONCE, compare_instances

ROOT = Path(__file__).resolve().parent.parent
REPEATS, WALKED = 5, 64
GOAL, WALKED_ONCE = 50_000, 160
"""Instances a second: what is wanted, and what the walk gave when that was said."""
DIMENSIONS = {"n": 16, "c": 1, "d": 8, "dv": 8}


def shape_of(claim_name: str) -> CompiledShape:
    """The claim at the dimensions that are measured, with the instances that are walked."""
    claim = load_claims()[claim_name]
    return make_shape(replace(claim, shapes=(DIMENSIONS,)), 0, "float64", WALKED, seed=0)


def seconds(function: Callable[[], object]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    jax.block_until_ready(function())
    return time.perf_counter() - start


def main() -> None:
    """Measures both ways in turns and prints instances a second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "speed" / "verified-instances.json")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    shape = shape_of("linear-attention")
    numbers = jax.numpy.arange(AT_ONCE)
    start = time.perf_counter()
    program = jax.jit(compare_instances(shape, "float64", claim_key(shape.claim, 0, 0))).lower(numbers).compile()
    compilation = time.perf_counter() - start

    def walk() -> list[bool]:
        sides = [[side.evaluate(one) for side in (shape.left, shape.right)] for one in shape.arguments]
        return [compare(left, right).holds for left, right in sides]

    walk(), jax.block_until_ready(program(numbers))
    walked, mapped = zip(*((seconds(walk), seconds(lambda: program(numbers))) for _ in range(REPEATS)), strict=True)
    rates = {"walked": WALKED / median(walked), "mapped": AT_ONCE / median(mapped)}
    print(*(f"{name}: {rate:.0f} instances a second" for name, rate in rates.items()), sep="\n")
    write_ratios(
        options.out,
        [
            Ratio(
                "an instance of linear attention against its dual, mapped, by walked",
                rates["walked"] / rates["mapped"],
                WALKED_ONCE / GOAL,
            )
        ],
        dimensions=dict(shape.dimensions),
        instances_a_second={name: round(rate) for name, rate in rates.items()},
        compilation_seconds=round(compilation, 1),
        jax=jax.__version__,
        device=jax.devices()[0].device_kind,
    )


if __name__ == "__main__":
    main()
