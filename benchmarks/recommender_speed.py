"""How fast the recommender is, how much memory it takes, and how both grow, beside another checkout and `implicit`.

python -m benchmarks.recommender_speed --before PATH writes docs/results/speed/recommender.json. Each line is measured
in a process of its own on the same generated interactions: seconds of a fit, peak memory, and medians of a query, of a
query after an update, of an update, and of a list within a batch; all times are the processor's. `--implicit PYTHON`
names an interpreter that has `implicit`, whose item neighbours (BM25, K = 20) stand beside; this one unless given.
"""

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {
    ("implicit", "query ms"): 3.0,
    ("before", "batch ms a user"): 0.1,
    ("before", "fit seconds"): 0.5,
    ("before", "query after update ms"): 0.1,
}
SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
MOST_ITEMS, MEAN_LENGTH = 100_000, 10
LIST, BATCH, UPDATES = 10, 512, 50
PATIENCE = 20.0
"""Seconds after which a median is taken of fewer repetitions than wanted, but of three at least."""
MEASURES = ("fit seconds", "peak MB", "query ms", "query after update ms", "update ms", "batch ms a user")


def generate(interactions: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Starts of the users' lists, and items whose popularity falls as a power of their rank.

    About MEAN_LENGTH interactions a user, geometric, at least two; a tenth as many items as interactions, up to
    MOST_ITEMS.
    """
    rng, items = np.random.default_rng(0), min(interactions // MEAN_LENGTH, MOST_ITEMS)
    lengths = np.maximum(2, rng.geometric(1 / MEAN_LENGTH, interactions // MEAN_LENGTH))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    chance = 1 / (np.arange(items) + 10.0) ** 0.8
    taken = np.searchsorted(np.cumsum(chance / chance.sum()), rng.random(starts[-1])).clip(0, items - 1)
    return starts, rng.permutation(items)[taken], items


def median_ms(repetitions: Iterator[Callable[[], object]], *, untimed: Callable[[], object] | None = None) -> float:
    """The median of the processor time of each call, in milliseconds.

    Args:
        repetitions: calls, of which the first is not counted.
        untimed: done before each.
    """
    spent, begin = [], time.perf_counter()
    for call in repetitions:
        if untimed is not None:
            untimed()
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
        if len(spent) > 3 and time.perf_counter() - begin > PATIENCE:
            break
    return 1e3 * statistics.median(spent[1:])


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_recommender(interactions: int) -> dict[str, float]:
    """The package that is imported, whichever checkout it is of."""
    from lrgd_jax.recommend import Catalogue, Recommender, Sequences

    starts, taken, items = generate(interactions)
    catalogue, lists = Catalogue(tuple(map(str, range(items)))), Sequences(starts, taken)
    start = time.process_time()
    recommender = Recommender(catalogue).fit(lists)
    recommender.recommend("0", LIST)
    measured = {"fit seconds": time.process_time() - start, "peak MB": peak_mb()}
    rng, users = np.random.default_rng(1), len(starts) - 1
    some = [str(user) for user in rng.integers(users, size=2 * UPDATES)]
    measured["query ms"] = median_ms(lambda user=user: recommender.recommend(user, LIST) for user in some)
    asked = rng.integers(users, size=BATCH)
    measured["batch ms a user"] = batch_ms(recommender, lists, asked)
    changes = iter(zip(some[:UPDATES], rng.integers(items, size=UPDATES).tolist(), strict=True))

    def change() -> None:
        user, item = next(changes)
        recommender.update(user, [item])

    measured["query after update ms"] = median_ms(
        (lambda user=user: recommender.recommend(user, LIST) for user in some[:UPDATES]), untimed=change
    )
    measured["update ms"] = median_ms(
        lambda user=user: recommender.update(user, [0]) for user in some[UPDATES : 2 * UPDATES]
    )
    return measured


def batch_ms(recommender, lists, asked: np.ndarray) -> float:
    """Lists of many users, by the fastest way that a checkout has."""
    if hasattr(recommender, "recommend_many"):
        names = [str(user) for user in asked]

        def batch() -> object:
            return recommender.recommend_many(names, LIST)
    else:
        from lrgd_jax.recommend.measure.ranking import best

        histories = lists.take(asked)

        def batch() -> object:
            return [best(without(scores, histories.block(rows)), LIST) for rows, scores in blocks()]

        def blocks():
            return recommender.model.blocks(histories)

        def without(scores: np.ndarray, had) -> np.ndarray:
            scores[had.owners, had.items] = -np.inf
            return scores

    return median_ms(batch for _ in range(4)) / len(asked)


def measure_implicit(interactions: int) -> dict[str, float]:
    """Item neighbours of `implicit`, in one thread."""
    import scipy.sparse as sp
    from implicit.nearest_neighbours import BM25Recommender

    starts, taken, items = generate(interactions)
    owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    entries = np.ones(len(taken), np.float32)
    start = time.process_time()
    known = sp.csr_matrix((entries, (owners, taken)), shape=(len(starts) - 1, items))
    model = BM25Recommender(K=20, num_threads=1)
    model.fit(known, show_progress=False)
    model.recommend(0, known[0], N=LIST)
    measured = {"fit seconds": time.process_time() - start, "peak MB": peak_mb()}
    rng = np.random.default_rng(1)
    some, asked = rng.integers(len(starts) - 1, size=2 * UPDATES), rng.integers(len(starts) - 1, size=BATCH)
    measured["query ms"] = median_ms(lambda user=user: model.recommend(user, known[user], N=LIST) for user in some)
    measured["batch ms a user"] = (
        median_ms((lambda: model.recommend(asked, known[asked], N=LIST)) for _ in range(4)) / BATCH
    )
    return measured


def run(who: str, interactions: int, python: str, checkout: Path) -> dict[str, float]:
    """One line, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    program = [python, str(Path(__file__).resolve()), "--worker", who, "--sizes", str(interactions)]
    done = subprocess.run(program, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{who} at {interactions} interactions ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def has_implicit(python: str) -> bool:
    if python == sys.executable:
        return importlib.util.find_spec("implicit") is not None
    return subprocess.run([python, "-c", "import implicit"], capture_output=True, check=False).returncode == 0


def exponents(lines: dict[str, dict[str, float]]) -> dict[str, float]:
    """By measure the slope of its logarithm over that of the number of interactions, by least squares."""
    sizes, first = np.log([float(size) for size in lines]), next(iter(lines.values()))
    logs = {name: np.log([line[name] for line in lines.values()]) for name in MEASURES if name in first}
    return {name: round(float(np.polyfit(sizes, y, 1)[0]), 2) for name, y in logs.items()}


def compared(lines: dict[str, dict[str, dict[str, float]]]) -> Iterator[tuple[str, float, float | None]]:
    """What is measured, the ratio, and its target, at the largest size that two have in common."""
    for name, of in lines.items():
        if name == "now":
            continue
        size = max(of, key=float)
        now, other = lines["now"][size], of[size]
        for measure in MEASURES:
            if measure in other:
                target = TARGETS.get((name, measure))
                yield f"{measure}, {float(size):.0e} interactions: now / {name}", now[measure] / other[measure], target
    size = max(lines["now"], key=float)
    one = lines["now"][size]
    yield (
        f"a query after an update / a query, {float(size):.0e} interactions",
        one["query after update ms"] / one["query ms"],
        2.0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of interactions")
    parser.add_argument("--implicit", default=sys.executable, help="an interpreter that has implicit")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "speed" / "recommender.json")
    parser.add_argument("--worker", choices=("now", "before", "implicit"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        measure = measure_implicit if options.worker == "implicit" else measure_recommender
        print(json.dumps(measure(options.sizes[0])))
        return
    # the other interpreters need nothing of this package
    from benchmarks.speed_results import Ratio, write_ratios

    who = {"now": (sys.executable, ROOT)}
    if options.before is not None:
        who["before"] = (sys.executable, options.before.resolve())
    if has_implicit(options.implicit):
        who["implicit"] = (options.implicit, ROOT)
    else:
        print(f"implicit is not installed for {options.implicit}, so nothing is compared with it")
    lines: dict[str, dict[str, dict[str, float]]] = {name: {} for name in who}
    for size in options.sizes:
        for name, (python, checkout) in who.items():
            measured = run(name, size, python, checkout)
            lines[name][str(size)] = {key: float(f"{value:.3g}") for key, value in measured.items()}
            print(f"{size:>10} {name:10}", lines[name][str(size)], flush=True)
    grown = {name: exponents(of) for name, of in lines.items()} if len(options.sizes) > 1 else {}
    rows = [Ratio(*row) for row in compared(lines)]
    if "implicit" not in who:
        rows.append(
            Ratio("query ms: now / implicit", None, TARGETS["implicit", "query ms"], "implicit is not installed")
        )
    write_ratios(options.out, rows, interactions=lines, growth_exponents=grown)


if __name__ == "__main__":
    main()
