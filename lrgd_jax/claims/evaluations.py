"""Claims evaluated one by one, some at a time: what one of them raises is a row of its own, and the others go on."""

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeAlias, TypeVar

from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.verdicts import Unevaluated

__all__ = ["Evaluation", "attempt", "evaluate_each"]

Found = TypeVar("Found")

Evaluation: TypeAlias = tuple[Claim, str, Callable[[], Found]]
"""A claim, the layer at which it is evaluated, and how."""


def attempt(claim: Claim, layer: str, evaluate: Callable[[], Found]) -> Found | Unevaluated:
    """What an evaluation of a claim finds, or what it raises.

    Examples:
        >>> from lrgd_jax.claims.claim_template import claim
        >>> attempt(claim, "float64", lambda: "a verdict")
        'a verdict'
        >>> attempt(claim, "float64", lambda: 1 / 0).layer
        'float64'
    """
    start = time.perf_counter()
    try:
        return evaluate()
    except Exception as fault:  # noqa: BLE001  # kept: whoever asked says so, with the exit code of an error
        return Unevaluated(claim, layer, fault, time.perf_counter() - start)


def evaluate_each(
    evaluations: Sequence[Evaluation[Found]], *, workers: int = 1
) -> Generator[tuple[int, Found | Unevaluated], None, None]:
    """Evaluates claims, and says of each, as it is done, its place in the sequence and what was found.

    Closing the iterator, or an interruption, lets those go that have not begun, and waits for none that has.

    Args:
        evaluations: what to do, in this order.
        workers: threads; XLA compiles outside Python's lock, and nothing else gets faster by more of them.
    """
    if workers < 2:
        yield from ((place, attempt(*one)) for place, one in enumerate(evaluations))
        return
    pool = ThreadPoolExecutor(workers)
    try:
        places = {pool.submit(attempt, *one): place for place, one in enumerate(evaluations)}
        for done in as_completed(places):
            yield places[done], done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
