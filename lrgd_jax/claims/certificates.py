"""Certificates that are kept: what was certified, with which versions; written, and read again."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from lrgd_jax.atomic import write_json
from lrgd_jax.certify.answers.result_texts import versions
from lrgd_jax.certify.verdicts.enclosures import Enclosure
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement
from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.claim import Claim
from lrgd_jax.outside.json_files import read_json

__all__ = ["Json", "certificate_content", "layers_content", "read_certificates", "write_certificate"]

Json: TypeAlias = Any
"""What a JSON file may hold."""

FORMAT = 2
"""Version of the files' layout."""

SIDES = ("left", "right")


def layers_content(certification: Certification) -> dict[str, Json]:
    """What the exact layers say, for a JSON file: "exact" and "rigorous" where they apply, or "not_applicable"."""
    content: dict[str, Json] = {}
    if certification.exact is not None:
        content["exact"] = _agreement(certification.exact)
    if certification.rigorous is not None:
        content["rigorous"] = _enclosure(certification.rigorous)
    if certification.reason is not None:
        content["not_applicable"] = certification.reason
    return content | {
        "certified": certification.status == "certified",
        "status": certification.status,
        "points": {
            "compared": certification.points,
            "skipped": certification.skipped,
            "unreached": list(certification.unreached),
        },
        "reasons": certification.reasons,
        "conditions": [one.as_dict() for one in certification.conditions],
        "mutants": [{"name": m.name, "exact": m.exact, "rigorous": m.rigorous} for m in certification.mutants],
        "certify_seconds": certification.seconds,
    }


def write_certificate(directory: Path, claim: Claim, certification: Certification) -> Path:
    """Writes DIRECTORY/SLUG.json and returns its path.

    Raises:
        OSError: it cannot be written.
    """
    file = directory / f"{claim.slug}.json"
    write_json(file, certificate_content(claim, certification))
    return file


def certificate_content(claim: Claim, certification: Certification) -> dict[str, Json]:
    """What the file of a certificate holds."""
    content = {"format": FORMAT, "claim": claim.slug, "title": claim.title, "statement": claim.statement.strip()}
    shapes = [
        {
            "dimensions": dict(shape.dimensions),
            "exact": _agreement(shape.exact) if isinstance(shape.exact, Agreement) else None,
            "rigorous": _enclosure(shape.rigorous) if isinstance(shape.rigorous, Enclosure) else None,
            "programs": {side: fingerprint(text) for side, text in zip(SIDES, shape.programs, strict=True)},
        }
        for shape in certification.shapes
    ]
    return content | {
        "seed": certification.seed,
        "versions": versions(),
        **layers_content(certification),
        "shapes": shapes,
    }


def read_certificates(directory: Path) -> list[dict[str, Json]]:
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


def _read(file: Path) -> dict[str, Json]:
    try:
        content: Json = read_json(file, object, what="certificate")
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


def _unreadable(content: Json) -> str | None:
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


def _agreement(one: Agreement | Disagreement) -> dict[str, Json] | None:
    if not isinstance(one, Agreement):
        return None
    return {
        "fields": list(one.fields),
        "degree": one.degree,
        "symbols": one.symbols,
        "false_accept": one.false_accept,
        "cases": one.cases,
        "left_out": one.left_out,
        # of certificates without towers, which earlier versions wrote too, nothing is said
        **({"depth": one.depth, "assumes": one.assumes} if one.depth else {}),
    }


def _enclosure(one: Enclosure) -> dict[str, Json]:
    return {"bits": one.bits, "radius": one.radius}


def fingerprint(program: str) -> str:
    # functions of custom derivatives are printed with their addresses
    return hashlib.sha256(re.sub(r"0x[0-9a-f]+", "", program).encode()).hexdigest()
