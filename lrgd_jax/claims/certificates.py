"""Certificates that are kept: what was certified, with which versions; evaluated anew, what has changed since."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from lrgd_jax.atomic import write_json
from lrgd_jax.certify.certificates import versions
from lrgd_jax.certify.exact import Agreement, Disagreement
from lrgd_jax.certify.rigorous import Enclosure
from lrgd_jax.claims.certified import Certification, certify_claim
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.contradictions import contradicted, moved_lines
from lrgd_jax.claims.registry import find

__all__ = ["Recheck", "layers_content", "read_certificates", "recheck", "write_certificate"]

FORMAT = 2
"""Of the files."""


def layers_content(found: Certification) -> dict[str, Any]:
    """What the exact layers say, for a JSON file: "exact" and "rigorous" where they apply, or "not_applicable"."""
    content: dict[str, Any] = {}
    if found.exact is not None:
        content["exact"] = _agreement(found.exact)
    if found.rigorous is not None:
        content["rigorous"] = _enclosure(found.rigorous)
    if found.reason is not None:
        content["not_applicable"] = found.reason
    return content | {
        "certified": found.status == "certified",
        "status": found.status,
        "points": {"compared": found.points, "skipped": found.skipped, "unreached": list(found.unreached)},
        "reasons": found.reasons,
        "conditions": [one.as_dict() for one in found.conditions],
        "mutants": [{"name": m.name, "exact": m.exact, "rigorous": m.rigorous} for m in found.mutants],
        "certify_seconds": found.seconds,
    }


def write_certificate(directory: Path, claim: Claim, found: Certification) -> Path:
    """Writes DIRECTORY/SLUG.json and returns its path.

    Raises:
        OSError: it cannot be written.
    """
    file = directory / f"{claim.slug}.json"
    write_json(file, _content(claim, found))
    return file


def _content(claim: Claim, found: Certification) -> dict[str, Any]:
    content = {"format": FORMAT, "claim": claim.slug, "title": claim.title, "statement": claim.statement.strip()}
    shapes = [
        {
            "dimensions": dict(shape.dimensions),
            "exact": _agreement(shape.exact) if isinstance(shape.exact, Agreement) else None,
            "rigorous": _enclosure(shape.rigorous) if isinstance(shape.rigorous, Enclosure) else None,
            "programs": {side: _fingerprint(text) for side, text in zip(_SIDES, shape.programs, strict=True)},
        }
        for shape in found.shapes
    ]
    return content | {"seed": found.seed, "versions": versions(), **layers_content(found), "shapes": shapes}


@dataclass(frozen=True)
class Recheck:
    """A certificate evaluated anew.

    Attributes:
        slug: of the claim.
        certified: whether the claim is certified now.
        changes: what differs from the certificate, in words; empty where nothing does.
        now: the new evaluation; None where the claim is gone.
        contradictions: what the certificate says and no evaluation bears out, by the names of its fields.
    """

    slug: str
    certified: bool
    changes: tuple[str, ...]
    now: Certification | None
    contradictions: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the claim is certified now, and the certificate says nothing else."""
        return self.certified and not self.contradictions


def read_certificates(directory: Path) -> list[dict[str, Any]]:
    """The certificates of a folder.

    Raises:
        FileNotFoundError: there is no such folder, or no certificate in it.
        ValueError: a file is no certificate.
    """
    files = sorted(directory.glob("*.json")) if directory.is_dir() else []
    if not files:
        raise FileNotFoundError(
            f"there are no certificates in {directory}; write some with `lrgd verify --certificates {directory}`"
        )
    return [_read(file) for file in files]


def recheck(certificate: Mapping[str, Any], claims: Mapping[str, Claim], *, seed: int | None = None) -> Recheck:
    """Evaluates the claim of a certificate twice: from scratch, and as the certificate says that it was evaluated.

    From scratch means that nothing of the certificate is used but its name: the claim is traced anew without JAX's
    shortcuts, at another seed, which means other points, other primes and other symbols. At the certificate's own seed
    every field must come out as it stands there, if the versions are the same.

    Args:
        certificate: its content.
        claims: those that are known.
        seed: of the new evaluation; one more than the certificate's unless given.

    Raises:
        ValueError: the seed is the certificate's own.
    """
    slug = certificate["claim"]
    try:
        claim = find(claims, slug)
    except ValueError as unknown:
        return Recheck(slug, False, (f"the claim is gone: {unknown}",), None)
    if seed == certificate["seed"]:
        raise ValueError(f"--seed {seed} is the certificate's own; another evaluation needs another seed")
    jax.clear_caches()
    now = certify_claim(claim, seed=certificate["seed"] + 1 if seed is None else seed, inline=True)
    replayed = certify_claim(claim, seed=certificate["seed"], mutants=False)
    found = json.loads(json.dumps(_content(claim, replayed) | _judged(now)))
    contradictions = contradicted(certificate, found, same_versions=certificate["versions"] == versions())
    return Recheck(slug, now.passed, tuple(_changes(certificate, claim, now, found)), now, tuple(contradictions))


_SIDES = ("left", "right")


def _judged(now: Certification) -> dict[str, Any]:
    """What the evaluation from scratch decides: its mutants were tried."""
    return {key: layers_content(now)[key] for key in ("certified", "mutants")}


def _changes(then: Mapping[str, Any], claim: Claim, now: Certification, found: Mapping[str, Any]) -> list[str]:
    present, said = layers_content(now), versions()
    changes = [
        f"{name} was {old}, is {said.get(name)}" for name, old in then["versions"].items() if said.get(name) != old
    ]
    if claim.statement.strip() != then["statement"]:
        changes.append("the statement was changed")
    changes += _program_changes(then, now)
    for layer in ("exact", "rigorous", "not_applicable"):
        if (layer in then) != (layer in present):
            changes.append(f"the layer '{layer}' {'was there, is gone' if layer in then else 'is new'}")
    shared = set(_fields(then)) & set(_fields(present))
    changes += [f"the fields of {sorted(shared)} were drawn again"] if shared else []
    changes += moved_lines(then, found)
    survivors = [mutant.name for mutant in now.mutants if not mutant.rejected]
    changes += [f"the mutant {name!r} survives" for name in survivors]
    changes += [f"the sides differ at {dict(now.refuted.dimensions)}"] if now.refuted is not None else []
    return changes


def _fields(content: Mapping[str, Any]) -> list[int]:
    exact = content.get("exact")
    return exact["fields"] if isinstance(exact, dict) and isinstance(exact.get("fields"), list) else []


def _program_changes(then: Mapping[str, Any], now: Certification) -> list[str]:
    old = {json.dumps(shape["dimensions"], sort_keys=True): shape["programs"] for shape in then["shapes"]}
    new = {
        json.dumps(dict(shape.dimensions), sort_keys=True): dict(zip(_SIDES, shape.programs, strict=True))
        for shape in now.shapes
    }
    changes = [f"the shape {shape} is no longer certified" for shape in old if shape not in new]
    changes += [f"the shape {shape} is new" for shape in new if shape not in old]
    for shape in (shape for shape in old if shape in new):
        sides = [side for side in _SIDES if old[shape].get(side) != _fingerprint(new[shape][side])]
        changes += [f"the program of the {' and the '.join(sides)} side changed at {shape}"] if sides else []
    return changes


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no certificate: {error}") from None
    reason = _unreadable(content)
    if reason is not None:
        raise ValueError(f"{file} is no certificate of format {FORMAT}: {reason}; {_ANEW}")
    return content


_ANEW = "write it anew with `lrgd verify --certificates`"
_KINDS: Mapping[str, type] = {
    "format": int,
    "claim": str,
    "title": str,
    "statement": str,
    "seed": int,
    "versions": dict,
    "certified": bool,
    "conditions": list,
    "mutants": list,
    "shapes": list,
}
_SEEDS = 2**32


def _unreadable(content: Any) -> str | None:
    """Why a file cannot be compared with anything."""
    if not isinstance(content, dict) or content.get("format") != FORMAT or not set(_KINDS) <= set(content):
        return f"expected the fields {', '.join(sorted(_KINDS))}"
    for name, kind in _KINDS.items():
        if type(content[name]) is not kind:
            return f"expected {kind.__name__} in the field {name}, got {content[name]!r}"
    if not 0 <= content["seed"] < _SEEDS:
        return f"expected a seed from 0 to {_SEEDS - 1}, got {content['seed']}"
    for k, shape in enumerate(content["shapes"]):
        parts = [shape.get(key) for key in ("dimensions", "programs")] if isinstance(shape, dict) else []
        if not parts or not all(isinstance(part, dict) for part in parts):
            return f"expected dimensions and programs in shapes[{k}], got {shape!r}"
    return None


def _agreement(one: Agreement | Disagreement) -> dict[str, Any] | None:
    if not isinstance(one, Agreement):
        return None
    return {
        "fields": list(one.fields),
        "degree": one.degree,
        "symbols": one.symbols,
        "false_accept": one.false_accept,
        "cases": one.cases,
        "left_out": one.left_out,
    }


def _enclosure(one: Enclosure) -> dict[str, Any]:
    return {"bits": one.bits, "radius": one.radius}


def _fingerprint(program: str) -> str:
    # functions of custom derivatives are printed with their addresses
    return hashlib.sha256(re.sub(r"0x[0-9a-f]+", "", program).encode()).hexdigest()
