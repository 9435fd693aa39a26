"""Kept certificates evaluated anew: what holds, what has changed since, what they say wrongly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import jax

from lrgd_jax.certify.answers.result_texts import versions
from lrgd_jax.claims.certificates import SIDES, Json, certificate_content, fingerprint, layers_content
from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.certify_claims import certify_claim
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.contradictions import contradictory_fields, moved_lines
from lrgd_jax.claims.lookup import find_claim

__all__ = ["Recheck", "recheck"]


@dataclass(frozen=True)
class Recheck:
    """A certificate evaluated anew.

    Attributes:
        slug: name of the claim.
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

    def as_dict(self) -> dict[str, Json]:
        """For a JSON file."""
        said = {"changes": list(self.changes), "contradictions": list(self.contradictions)}
        return {"claim": self.slug, "holds": self.holds, "certified": self.certified, **said}


def recheck(certificate: Mapping[str, Json], claims: Mapping[str, Claim], *, seed: int | None = None) -> Recheck:
    """Evaluates the claim of a certificate twice: from scratch, and as the certificate says that it was evaluated.

    From scratch means that nothing of the certificate is used but its name: the claim is traced anew without JAX's
    shortcuts, at another seed, which means other points, other primes and other symbols. At the certificate's own seed
    every field must come out as it stands there, if the versions are the same.

    Args:
        certificate: its content.
        claims: those that are known.
        seed: seed of the new evaluation; one more than the certificate's unless given.

    Raises:
        ValueError: the seed is the certificate's own.
    """
    slug = certificate["claim"]
    try:
        claim = find_claim(claims, slug)
    except ValueError as unknown:
        return Recheck(slug, False, (f"the claim is gone: {unknown}",), None)
    if seed == certificate["seed"]:
        raise ValueError(f"--seed {seed} is the certificate's own; another evaluation needs another seed")
    jax.clear_caches()
    now = certify_claim(claim, seed=certificate["seed"] + 1 if seed is None else seed, inline=True)
    replayed = certify_claim(claim, seed=certificate["seed"], mutants=False)
    evaluated = json.loads(json.dumps(certificate_content(claim, replayed) | _judgement(now)))
    contradictions = contradictory_fields(certificate, evaluated, same_versions=certificate["versions"] == versions())
    return Recheck(slug, now.passed, tuple(_changes(certificate, claim, now, evaluated)), now, tuple(contradictions))


def _judgement(now: Certification) -> dict[str, Json]:
    """What the evaluation from scratch decides: its mutants were tried."""
    return {key: layers_content(now)[key] for key in ("certified", "mutants")}


def _changes(then: Mapping[str, Json], claim: Claim, now: Certification, evaluated: Mapping[str, Json]) -> list[str]:
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
    changes += moved_lines(then, evaluated)
    survivors = [mutant.name for mutant in now.mutants if not mutant.rejected]
    changes += [f"the mutant {name!r} survives" for name in survivors]
    changes += [f"the sides differ at {dict(now.refuted.dimensions)}"] if now.refuted is not None else []
    return changes


def _fields(content: Mapping[str, Json]) -> list[int]:
    exact = content.get("exact")
    return exact["fields"] if isinstance(exact, dict) and isinstance(exact.get("fields"), list) else []


def _program_changes(then: Mapping[str, Json], now: Certification) -> list[str]:
    old = {json.dumps(shape["dimensions"], sort_keys=True): shape["programs"] for shape in then["shapes"]}
    new = {
        json.dumps(dict(shape.dimensions), sort_keys=True): dict(zip(SIDES, shape.programs, strict=True))
        for shape in now.shapes
    }
    changes = [f"the shape {shape} is no longer certified" for shape in old if shape not in new]
    changes += [f"the shape {shape} is new" for shape in new if shape not in old]
    for shape in (shape for shape in old if shape in new):
        sides = [side for side in SIDES if old[shape].get(side) != fingerprint(new[shape][side])]
        changes += [f"the program of the {' and the '.join(sides)} side changed at {shape}"] if sides else []
    return changes
