"""How time and memory of explaining a prompt grow with its length, for a decoder of the size of SmolLM2-135M.

Each length has a process of its own, which takes the gradient of the answer's loss in one gate a demonstration, layer
and head, as `lrgd explain` does for every node of its integral; weights are random, which costs what trained ones do.
The memory that is planned is what XLA sets aside for the compiled program, with the weights; a busy machine plans the
same. With `--run` the gradient is computed as well, on a quiet machine: its time, and the most memory of the process.

    python -m benchmarks.explain_at_length --before CHECKOUT [--run]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.speed_results import Ratio, median, write_ratios

LENGTHS = (512, 1024, 2048, 4096)
DEMONSTRATIONS, TURNS = 8, 3
RESULT = Path("docs/results/speed/explain-at-length.json")


def measure(length: int, run: bool) -> dict[str, float]:
    """In this process: gigabytes that are planned; seconds of a gradient and the most memory, if it is run."""
    import jax
    import jax.numpy as jnp

    from lrgd_jax.decoder import DecoderConfig, init
    from lrgd_jax.effect import PromptLoss

    config = DecoderConfig(
        vocab_size=49152,
        width=576,
        layers=30,
        heads=9,
        kv_heads=3,
        head_width=64,
        hidden_width=1536,
        context_length=8192,
        rope_theta=1e5,
        tied_head=True,
    )
    params = init(jax.random.key(0), config)
    tokens = jax.random.randint(jax.random.key(1), (length,), 0, config.vocab_size)
    segments = jnp.minimum(jnp.arange(length) * (DEMONSTRATIONS + 1) // length, DEMONSTRATIONS)
    loss = PromptLoss.of(params, config, tokens, segments, (length - 2, length), control="contributions")
    gates = jnp.ones((config.layers, config.heads, DEMONSTRATIONS))
    gradient = jax.jit(lambda loss, gates: jax.value_and_grad(loss)(gates)).lower(loss, gates).compile()
    memory = gradient.memory_analysis()
    if memory is None:
        sys.exit(f"explain_at_length: XLA tells no plan on {jax.default_backend()}")
    found = {"planned": (memory.temp_size_in_bytes + memory.argument_size_in_bytes) / 1e9}
    if run:
        seconds = []
        for _ in range(TURNS):
            start = time.perf_counter()
            jax.block_until_ready(gradient(loss, gates))
            seconds.append(time.perf_counter() - start)
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        found |= {"seconds": median(seconds), "held": held}
    return found


def measured(checkout: Path, length: int, run: bool) -> dict[str, float]:
    """The same in a process of its own, by the package of a checkout."""
    here = Path(__file__).resolve()
    command = [sys.executable, str(here), "--one", str(length), *(["--run"] if run else [])]
    paths = os.pathsep.join([str(checkout), str(here.parents[1])])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def beyond_attention(seconds: dict[int, float]) -> dict[int, float]:
    """Seconds a token without what grows with the square of the length.

    Of each length b n^2 is taken away, where a n + b n^2 is fitted to all of them by relative errors.
    """
    n, t = np.array(list(seconds)), np.array(list(seconds.values()))
    design = np.stack([n / t, n**2 / t], axis=1)
    (_, square), *_ = np.linalg.lstsq(design, np.ones(len(n)), rcond=None)
    return {int(k): float((x - square * k**2) / k) for k, x in zip(n, t, strict=True)}


def rows_of(now: dict[int, dict[str, float]], before: dict[int, dict[str, float]]) -> list[Ratio]:
    """What is asked of these numbers."""
    first, last = min(now), max(now)
    rows = [Ratio(f"memory planned at {last} tokens, of 6 GB", now[last]["planned"] / 6, 1.0)]
    rows += [
        Ratio(f"memory planned at {length} tokens, over before", now[length]["planned"] / was["planned"], None)
        for length, was in before.items()
    ]
    if "seconds" in now[last]:
        seconds = {length: one["seconds"] for length, one in now.items()}
        a_token = beyond_attention(seconds)
        rows += [
            Ratio(f"memory held at {last} tokens, of 6 GB", now[last]["held"] / 6, 1.0),
            Ratio(f"time a token at {last} over {first}, beyond attention", a_token[last] / a_token[first], 1.2),
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="a checkout of an older commit; its plans are compared")
    parser.add_argument("--run", action="store_true", help="compute the gradients too")
    parser.add_argument("--one", type=int, help="measure this length here, and print it")
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(measure(given.one, given.run)))
        return
    here = Path(__file__).resolve().parents[1]
    now = {length: measured(here, length, given.run) for length in LENGTHS}
    before = {} if given.before is None else {length: measured(given.before, length, False) for length in LENGTHS}
    write_ratios(RESULT, rows_of(now, before), lengths=now, before=before, demonstrations=DEMONSTRATIONS)


if __name__ == "__main__":
    main()
