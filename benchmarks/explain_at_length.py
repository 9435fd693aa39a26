"""How time and memory of explaining a prompt grow with its length, for a decoder of the size of SmolLM2-135M.

Each length has a process of its own, which takes the gradient of the answer's loss in one number a demonstration, layer
and head, as `lrgd explain` does for every node of its integral; weights are random, which costs what trained ones do.
Memory is the most that the process ever held, with Python, JAX and the weights. Run it on a quiet machine:

    python -m benchmarks.explain_at_length --before CHECKOUT
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
DEMONSTRATIONS = 8
RESULT = Path("docs/results/speed/explain-at-length.json")


def measure(length: int, turns: int) -> dict[str, float]:
    """In this process: seconds of a gradient once it is compiled, and the most memory in GB."""
    import jax
    import jax.numpy as jnp

    from lrgd_jax.decoder import DecoderConfig, init
    from lrgd_jax.effect import PromptLoss
    from lrgd_jax.effect.evaluation import gradients_at

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
    seconds = []
    for _ in range(turns + 1):
        start = time.perf_counter()
        gradients_at(loss, np.ones((1, DEMONSTRATIONS)), parts=True)
        seconds.append(time.perf_counter() - start)
    # the first one compiles
    return {"seconds": median(seconds[1:]), "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def measured(checkout: Path, length: int, turns: int) -> dict[str, float]:
    """The same in a process of its own, by the package of a checkout."""
    command = [sys.executable, str(Path(__file__).resolve()), "--one", str(length), "--turns", str(turns)]
    paths = os.pathsep.join([str(checkout), str(Path(__file__).resolve().parents[1])])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def beyond_attention(seconds: dict[int, float]) -> dict[int, float]:
    """Seconds a token without what grows with the square of the length: the part a of a n + b n^2, over all lengths.

    Of each length b n^2 is taken away, where b is fitted to all of them with relative errors as weights.
    """
    n, t = np.array(list(seconds)), np.array(list(seconds.values()))
    design = np.stack([n / t, n**2 / t], axis=1)
    (_, square), *_ = np.linalg.lstsq(design, np.ones(len(n)), rcond=None)
    return {int(k): float((x - square * k**2) / k) for k, x in zip(n, t, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="a checkout of an older commit")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--one", type=int, help="measure this length here, and print it")
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(measure(given.one, given.turns)))
        return
    here = Path(__file__).resolve().parents[1]
    now = {length: measured(here, length, given.turns) for length in given.lengths}
    seconds = {length: one["seconds"] for length, one in now.items()}
    for length, one in now.items():
        print(f"{length}: {one['seconds']:.1f} s, {one['gigabytes']:.2f} GB", flush=True)
    shortest, longest = min(seconds), max(seconds)
    a_token = beyond_attention(seconds)
    rows = [
        Ratio(f"most memory at {longest} tokens, GB", now[longest]["gigabytes"], 6.0),
        Ratio(
            f"time a token at {longest} over that at {shortest}, what grows with the square left out",
            a_token[longest] / a_token[shortest],
            1.2,
        ),
        Ratio(
            f"time a token at {longest} over that at {shortest}",
            seconds[longest] / longest / (seconds[shortest] / shortest),
            None,
            "attention included",
        ),
    ]
    before = {}
    if given.before is not None:
        # longer prompts do not fit the memory of many machines there
        for length in given.lengths[:1]:
            before[length] = measured(given.before, length, given.turns)
            was, is_ = before[length], now[length]
            rows += [
                Ratio(f"time at {length} tokens over before", is_["seconds"] / was["seconds"], None),
                Ratio(f"memory at {length} tokens over before", is_["gigabytes"] / was["gigabytes"], None),
            ]
    write_ratios(RESULT, rows, lengths=now, before=before, demonstrations=DEMONSTRATIONS)


if __name__ == "__main__":
    main()
