"""Finds claims: those of the installed `proofs_checks`, then users' own files and folders."""

import importlib
import pkgutil
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from lrgd_jax.claims.alteration import alter
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.user_files import import_file

__all__ = ["claims_of", "load_claims"]

OWN = "proofs_checks"
REFUSING = Claim.__module__, Mutant.__module__, alter.__module__
"""Modules whose messages say all that is wrong with a claim."""


def load_claims(paths: Sequence[str | Path] = ()) -> dict[str, Claim]:
    """All claims by slug, in the order of group, then of slug; users' own, in the order given, come last.

    A file whose name begins with an underscore holds what several claims share, and no claim.

    Args:
        paths: files that define `claim` or `claims`, or folders of such files.

    Raises:
        FileNotFoundError: a path is not there.
        ValueError: a file cannot be imported or defines no claim, or two claims have one slug.

    Examples:
        >>> load_claims()["linear-attention"].title
        'Linear attention is one gradient step of a linear model'
    """
    package = importlib.import_module(OWN)
    modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    names = [f"{OWN}.{name}" for name in modules if not name.startswith("_")]
    own = [(f"{OWN} ({name})", claim) for name in names for claim in claims_of(importlib.import_module(name), name)]
    own.sort(key=lambda pair: (pair[1].group, pair[1].slug))
    users = [(str(file), claim) for path in paths for file in _files(Path(path)) for claim in _claims_in(file)]
    claims: dict[str, Claim] = {}
    where: dict[str, str] = {}
    for place, claim in [*own, *users]:
        if claim.slug in claims:
            raise ValueError(
                f"the slug {claim.slug!r} is taken twice, by {where[claim.slug]} and by {place}; rename one"
            )
        claims[claim.slug], where[claim.slug] = claim, place
    return claims


def claims_of(module: ModuleType, place: str) -> list[Claim]:
    """The claims that a module defines as `claim`, a Claim, or as `claims`, a tuple of them.

    Args:
        module: that was imported.
        place: its name, for the error.

    Raises:
        ValueError: it defines neither.
    """
    one, several = getattr(module, "claim", None), getattr(module, "claims", None)
    # `from lrgd_jax import claims` in a claim file is no list of claims
    several = None if isinstance(several, ModuleType) else several
    candidates = list(several) if isinstance(several, (tuple, list)) else [] if several is None else [several]
    if one is not None and one not in candidates:
        candidates.insert(0, one)
    wrong = [type(x).__name__ for x in candidates if not isinstance(x, Claim)]
    if wrong or not candidates:
        came = f"a {wrong[0]}" if wrong else "neither"
        raise ValueError(f"{place}: expected `claim`, a Claim, or `claims`, a tuple of them; got {came}")
    return candidates


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(f"claims path {path} is neither a file nor a folder; give a Python file with a claim")
    files = [file for file in sorted(path.glob("*.py")) if not file.name.startswith("_")]
    if not files:
        raise ValueError(f"claims path {path} holds no Python file; expected files that define `claim` or `claims`")
    return files


def _claims_in(file: Path) -> list[Claim]:
    try:
        module = import_file(file, "a Python file that defines `claim` or `claims`")
    except ValueError as error:
        fault = error.__cause__
        if isinstance(fault, ValueError) and _raised_by_a_claim(fault):
            raise ValueError(f"{file}: {fault}") from fault
        raise
    return claims_of(module, str(file))


def _raised_by_a_claim(fault: ValueError) -> bool:
    """Whether a claim refused what it was given, in which case its message says all that is wrong."""
    frames = (frame for frame, _ in traceback.walk_tb(fault.__traceback__))
    return any(frame.f_globals.get("__name__") in REFUSING for frame in frames)
