"""Cheap scores of demonstrations against the truth, which is to run the model without them.

    python benchmarks/fidelity.py --model smollm2 --prompts 48 --out runs/fidelity           # goes on where it stopped
    python benchmarks/fidelity.py --model ../shared/data/stories260K --prompts 120 --out runs/fidelity
    python benchmarks/fidelity.py --kept runs/fidelity                            # a run that has what docs/results has
    python benchmarks/fidelity.py --model smollm2 --quick --out runs/quick                   # two prompts
    python benchmarks/fidelity.py --model smollm2 --costs --out runs/fidelity                # what a gradient costs
    python benchmarks/fidelity.py --collect runs/fidelity                         # writes docs/results/fidelity

Each prompt is one JSON line, appended when it is done; a run that was killed leaves out what it has. Data are read from
../shared/data beside the repository (`--data`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from fidelity_prompts import Prompt, encode, shopper_prompts, story_prompts
from fidelity_summary import begin_with_kept, collect, read_run

from lrgd_jax.decoder import LoadedDecoder, load_decoder
from lrgd_jax.effect import FunctionLoss, PromptLoss, permutation_shapley, shapley_of
from lrgd_jax.effect.cost import gradient_cost
from lrgd_jax.effect.methods import METHODS
from lrgd_jax.effect.subsets import subset_losses

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "fidelity"
SIZES = {"smollm2": (112, 10), "stories260K": (160, 24)}
"""Tokens of a prompt and of its target, to which all are padded."""
TRUTH = ("exact-shapley", "leave-one-out", "permutation-shapley")
"""Taken from the losses of all subsets, which are computed once."""
ROUNDS = {
    # dear and not the default: after all else, and on as many prompts as there is time for
    "-second": ("aumann-shapley-rates",),
    # of the descent that the demonstrations induce on hidden states
    "-convergence": ("one-step-gain", "convergence-gain"),
}
"""Scores that a run adds to those of the first round, by the ending of the file that holds them."""
DIGITS = 6


def question(decoder: LoadedDecoder, prompt: Prompt, size: tuple[int, int]) -> PromptLoss:
    """The loss of a prompt, padded."""
    tokens, segments, target = encode(decoder, prompt)
    return PromptLoss.of(
        decoder.params,
        decoder.config,
        jnp.asarray(tokens),
        jnp.asarray(segments, jnp.int32),
        target,
        always_seen=1,
        length=size[0],
        target_length=size[1],
    )


def truth(loss: PromptLoss) -> dict[str, Any]:
    """The losses of all subsets, and the scores that are made of them."""
    n = loss.demonstrations
    losses, cost = subset_losses(loss, batch=8 if loss.config.width < 128 else 1)
    full = (1 << n) - 1
    table = jnp.asarray(losses)
    game = FunctionLoss(jax.tree_util.Partial(_look_up, table), n)
    sampled = permutation_shapley(game, pairs=2)
    without = [float(losses[full ^ (1 << i)] - losses[full]) for i in range(n)]
    return {
        "losses": _round(losses),
        "scores": {
            "exact-shapley": _score(shapley_of(-losses), cost, 0.0),
            "leave-one-out": _score(np.array(without), n + 1.0, None),
            "permutation-shapley": _score(sampled.values, sampled.cost, sampled.gap),
        },
    }


def _look_up(table: jax.Array, gates: jax.Array) -> jax.Array:
    return table[jnp.asarray(gates @ (2.0 ** jnp.arange(len(gates))), jnp.int32)]


def _score(values: np.ndarray, cost: float, gap: float | None, seconds: float | None = None) -> dict[str, Any]:
    score = {"values": _round(values), "cost": round(cost, 2)}
    if gap is not None:
        score["gap"] = round(gap, DIGITS)
    return score if seconds is None else {**score, "seconds": round(seconds, 2)}


def _round(values: np.ndarray) -> list[float]:
    return [round(float(x), DIGITS) for x in values]


def score_by(loss: PromptLoss, names: Sequence[str]) -> dict[str, Any]:
    """Scores by the named methods; seconds include the compilation where it is the first of its shape."""
    by_method = {}
    for name in names:
        start = time.perf_counter()
        scores = METHODS[name](loss)
        by_method[name] = _score(scores.values, scores.cost, scores.gap, time.perf_counter() - start)
    return by_method


def prompts_of(model: str, decoder: LoadedDecoder, data: Path, count: int) -> Iterator[Prompt]:
    """The same ones for a model and a count, or for a smaller count."""
    size = SIZES[model]
    if model == "smollm2":
        return shopper_prompts(data, decoder, count, *size)
    return story_prompts(decoder, count, *size)


def run(model: str, decoder: LoadedDecoder, data: Path, count: int, out: Path) -> None:
    """Rounds over the prompts; each appends its lines to its own file and skips those that are there."""
    prompts = list(prompts_of(model, decoder, data, count))
    later = [name for names in ROUNDS.values() for name in names]
    cheap = [name for name in METHODS if name not in (*TRUTH, *later)]
    out.mkdir(parents=True, exist_ok=True)
    for ending, names in {"": cheap, **ROUNDS}.items():
        file = out / f"{model}{ending}.jsonl"
        known = {record["prompt"]: record["scores"].keys() for record in read_run(out, model)}
        for number, prompt in enumerate(prompts):
            if set(names) <= known.get(prompt.name, set()):
                continue
            start = time.perf_counter()
            loss = question(decoder, prompt, SIZES[model])
            record: dict[str, Any] = {"prompt": prompt.name, "demonstrations": loss.demonstrations}
            if names == cheap:
                record |= {"tokens": int(jnp.max(loss.places)) + 1, **truth(loss)}
            record["scores"] = record.get("scores", {}) | score_by(loss, names)
            append(file, record)
            print(f"{file.name} {number + 1}/{count} {prompt.name} {time.perf_counter() - start:.0f} s", flush=True)


def append(file: Path, record: dict[str, Any]) -> None:
    """Adds a line, after cutting off what a kill left of one."""
    kept = file.read_text() if file.is_file() else ""
    whole = kept[: kept.rfind("\n") + 1]
    with file.open("r+" if file.is_file() else "w") as lines:
        lines.truncate(len(whole.encode()))
        lines.seek(0, os.SEEK_END)
        lines.write(json.dumps(record) + "\n")
        lines.flush()
        os.fsync(lines.fileno())


def costs(model: str, decoder: LoadedDecoder, data: Path, out: Path, rounds: int = 5) -> None:
    """A gradient in all rates or gates against a forward pass, for several N: by count, by XLA's count, by time."""
    rows = []
    prompt = next(prompts_of(model, decoder, data, 1))
    for n in (1, 2, 4):
        asked = question(decoder, prompt._replace(demonstrations=prompt.demonstrations[:n]), SIZES[model])
        for control in ("rates", "contributions"):
            loss, one = replace(asked, control=control), jnp.ones(n, asked.dtype)
            programs = [jitted.lower(loss, one).compile() for jitted in (_forward, _with_gradient)]
            flops = [(program.cost_analysis() or {})["flops"] for program in programs]
            medians = side_by_side([partial(program, loss, one) for program in programs], rounds)
            rows.append(
                {
                    "demonstrations": n,
                    "control": control,
                    "counted": round(gradient_cost(loss), 2),
                    "xla": round(flops[1] / flops[0], 2),
                    "time": round(medians[1] / medians[0], 2),
                }
            )
            print(rows[-1], flush=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{model}-costs.json").write_text(json.dumps(rows, indent=1) + "\n")


@jax.jit
def _forward(loss: PromptLoss, gates: jax.Array) -> jax.Array:
    return loss(gates)


@jax.jit
def _with_gradient(loss: PromptLoss, gates: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jax.value_and_grad(loss)(gates)


def side_by_side(calls: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Median seconds of calls that take turns; the first turn does not count."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for took, call in zip(times, calls, strict=True):
            start = time.perf_counter()
            jax.block_until_ready(call())
            if number:
                took.append(time.perf_counter() - start)
    return [statistics.median(took) for took in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2", help="smollm2, or the folder stories260K")
    parser.add_argument("--prompts", type=int, default=48)
    parser.add_argument("--out", type=Path, default=Path("runs/fidelity"))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="two prompts")
    parser.add_argument("--costs", action="store_true", help="only measure what a gradient costs")
    parser.add_argument("--kept", type=Path, metavar="RUN", help="begin a run with the kept lines, to add new scores")
    parser.add_argument("--collect", type=Path, metavar="RUN", help="summarise a run into docs/results/fidelity")
    arguments = parser.parse_args()
    if arguments.kept is not None:
        begin_with_kept(RESULTS, arguments.kept)
        return
    if arguments.collect is not None:
        collect(arguments.collect, RESULTS)
        return
    model = Path(arguments.model).name
    if model not in SIZES:
        parser.error(f"--model must be one of {', '.join(SIZES)}, or a folder of that name; got {arguments.model}")
    decoder = load_decoder(arguments.model)
    if arguments.costs:
        costs(model, decoder, arguments.data, arguments.out)
    else:
        run(model, decoder, arguments.data, 2 if arguments.quick else arguments.prompts, arguments.out)


if __name__ == "__main__":
    main()
