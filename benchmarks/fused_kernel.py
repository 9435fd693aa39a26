"""The fused kernel on a GPU, beside what XLA makes of the same sums; `make bench-gpu`.

Float32, causal, normalised, 8 heads 64 wide with elu + 1, forward; medians of `--turns`. Where there is no GPU nothing
is measured: an interpreted kernel says nothing of its speed.
"""

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp

from benchmarks.speed_results import Ratio, median, write_ratios
from lrgd_jax.attention import causal_linear_attention, fused_causal_linear_attention
from lrgd_jax.features import elu_plus_one

LENGTHS = (4096, 16384, 65536)
RESULT = Path("docs/results/speed/fused-kernel.json")


def seconds(attend, given, turns):
    """The median of one call, compiled before."""
    attend(*given).block_until_ready()
    taken = []
    for _ in range(turns):
        start = time.perf_counter()
        attend(*given).block_until_ready()
        taken.append(time.perf_counter() - start)
    return median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=20)
    turns = parser.parse_args().turns
    if jax.default_backend() != "gpu":
        sys.exit(f"fused_kernel: JAX computes on {jax.default_backend()} here; the kernel is measured on a GPU alone")
    how = {"feature_map": elu_plus_one, "normalised": True}
    rows, details = [], {}
    for n in LENGTHS:
        given = [jax.random.normal(key, (8, n, 64), jnp.float32) for key in jax.random.split(jax.random.key(0), 3)]
        fused = seconds(jax.jit(partial(fused_causal_linear_attention, **how)), given, turns)
        compiled = seconds(jax.jit(lambda *x: causal_linear_attention(*x, **how)[0]), given, turns)
        rows.append(Ratio(f"fused kernel over causal_linear_attention, {n} tokens", fused / compiled, 1.0))
        details[n] = {"fused_seconds": fused, "compiled_seconds": compiled}
    write_ratios(RESULT, rows, device=jax.devices()[0].device_kind, lengths=details)


if __name__ == "__main__":
    main()
