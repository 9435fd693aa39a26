"""Claims evaluated in processes: tracing, walking and exact arithmetic are Python, whose threads take turns."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import jax

from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.certify_claims import EXACT_LAYERS, certifications_of
from lrgd_jax.claims.check_claims import checks_of
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.evaluations import Evaluation, attempt
from lrgd_jax.claims.registry import load_claims
from lrgd_jax.claims.verdicts import Unevaluated, Verdict
from lrgd_jax.compilation_cache import ignore_damaged_programs

__all__ = ["EvaluationOptions", "count_processes", "evaluate_elsewhere", "evaluations_of"]

Found: TypeAlias = Verdict | Certification

CLAIMS_A_PROCESS = 6
"""A process is worth its start, which takes as long as a claim or two, where it has at least so many evaluations."""

MOST_PROCESSES = 8
"""Each takes up to a gigabyte."""


@dataclass(frozen=True)
class EvaluationOptions:
    """How claims are evaluated.

    Attributes:
        instances: random ones of every shape; the exact layers have their own.
        seed: of them.
        mutants: whether the mutants are tried too.

    Examples:
        >>> EvaluationOptions(seed=1)
        EvaluationOptions(instances=8, seed=1, mutants=True)
    """

    instances: int = 8
    seed: int = 0
    mutants: bool = True


def evaluations_of(claims: Sequence[Claim], layer: str, options: EvaluationOptions) -> Sequence[Evaluation[Found]]:
    """The evaluation of each claim at a layer: a dtype, or the exact layers.

    Raises:
        ValueError: the layer is neither, or there are no instances.

    Examples:
        >>> from lrgd_jax.claims.claim_template import claim
        >>> [(_, layer, evaluate)] = evaluations_of([claim], "float32", EvaluationOptions(instances=1))
        >>> layer, evaluate().passed
        ('float32', True)
    """
    if layer == EXACT_LAYERS:
        return certifications_of(claims, seed=options.seed, mutants=options.mutants)
    return checks_of(claims, (layer,), instances=options.instances, seed=options.seed, mutants=options.mutants)


def count_processes(evaluations: int) -> int:
    """How many processes so many evaluations are worth: 1 for none but this one.

    Examples:
        >>> count_processes(2)
        1
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, MOST_PROCESSES, evaluations // CLAIMS_A_PROCESS))


def evaluate_elsewhere(
    evaluations: Sequence[Evaluation[Found]], options: EvaluationOptions, executor: Executor, *, paths: Sequence[Path]
) -> Generator[tuple[int, Found | Unevaluated], None, None]:
    """Evaluates claims as `lrgd_jax.claims.evaluations.evaluate_each` does, in processes that load them by name.

    All layers of a claim are evaluated in one process, since they have much in common. What a process cannot hand over,
    such as what was raised, is evaluated here once more; so is what a process that was killed has left.

    Args:
        evaluations: made by `evaluations_of` with these options; their claims are those of `load_claims(paths)`.
        options: how they are evaluated.
        executor: of processes that see the same files (`lrgd_jax.executors`).
        paths: of users' claims.
    """
    by_claim: dict[str, list[int]] = {}
    for place, (claim, _, _) in enumerate(evaluations):
        by_claim.setdefault(claim.slug, []).append(place)
    places: dict[Future[list[Found | None]], list[int]] = {}
    there, float64 = tuple(path.resolve() for path in paths), bool(jax.config.read("jax_enable_x64"))
    for slug, own in by_claim.items():
        layers = [evaluations[place][1] for place in own]
        places[executor.submit(_evaluate, slug, layers, options, there, float64)] = own
    for done in as_completed(places):
        own = places[done]
        # a process that was killed, or could not hand over what it found; here a fault is told
        found = [None] * len(own) if done.exception() is not None else done.result()
        for place, one in zip(own, found, strict=True):
            yield place, attempt(*evaluations[place]) if one is None else one


@cache
def _claims_of(paths: tuple[Path, ...]) -> Mapping[str, Claim]:
    """Those of this process, loaded once."""
    ignore_damaged_programs()
    return load_claims(paths)


def _evaluate(
    slug: str, layers: Sequence[str], options: EvaluationOptions, paths: tuple[Path, ...], float64: bool
) -> list[Found | None]:
    jax.config.update("jax_enable_x64", float64)
    claim = _claims_of(paths)[slug]
    evaluations = [one for layer in layers for one in evaluations_of([claim], layer, options)]
    found = [attempt(*one) for one in evaluations]
    return [None if isinstance(one, Unevaluated) else one for one in found]
