"""What a kept certificate says and an evaluation does not bear out, by the names of its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lrgd_jax.certify.verdicts.enclosures import RADIUS
from lrgd_jax.certify.verdicts.random_fields import FALSE_ACCEPT
from lrgd_jax.claims.certificates import Json

__all__ = ["contradictory_fields", "moved_lines"]

_OWN = ("format", "versions", "certify_seconds")
"""Fields that no evaluation has to repeat."""

_OTHER_VERSIONS = ("claim", "certified", "mutants")
"""Fields that must come out with other versions too."""

_PLACE = re.compile(r"(?:[^\s'\"]*[/\\])?([^\s'\"/\\]+\.py):\d+(?::\d+)?")
"""A file with its folders and a line."""


def contradictory_fields(said: Mapping[str, Json], evaluated: Mapping[str, Json], *, same_versions: bool) -> list[str]:
    """The fields of a certificate that do not come out.

    With the same versions a certificate can be repeated at its own seed, number by number. Other versions may trace
    another program and draw other points; then what was decided must be decided as before, each stated probability
    must be no smaller than the one that is evaluated now, and each radius no larger than its bits and the layer allow.

    Args:
        said: the certificate.
        evaluated: the same, evaluated at the certificate's seed.
        same_versions: whether everything that computes has the versions that the certificate names.

    Examples:
        >>> contradictory_fields({"exact": {"degree": 2}}, {"exact": {"degree": 3}}, same_versions=True)
        ['exact.degree is 2, comes out as 3']
    """
    if same_versions:
        said, evaluated = _comparable(said), _comparable(evaluated)
        # mutants need not have been tried
        names = [name for name in {**said, **evaluated} if name != "mutants" or said.get("mutants")]
        return [line for name in names for line in _differences(name, said.get(name), evaluated.get(name))]
    lines = [line for name in _OTHER_VERSIONS for line in _differences(name, said.get(name), evaluated.get(name))]
    if ("not_applicable" in said) != ("not_applicable" in evaluated):
        lines += _differences("not_applicable", said.get("not_applicable"), evaluated.get("not_applicable"))
    for path, one in _parts(said):
        lines += _unproved_fields(path, one, dict(_parts(evaluated)).get(path))
    return lines


def moved_lines(said: Mapping[str, Json], evaluated: Mapping[str, Json]) -> list[str]:
    """Which conditions stand in another line of the source by now."""
    pairs = zip(said.get("conditions", []), evaluated.get("conditions", []), strict=False)
    return [
        f"the line {one['source']} is {other['source']} now"
        for one, other in pairs
        if _without_line(one) == _without_line(other) and one != other
    ]


def _comparable(content: Mapping[str, Json]) -> dict[str, Json]:
    kept = {name: x for name, x in content.items() if name not in _OWN}
    reasons = kept.get("reasons")
    if isinstance(reasons, dict):
        kept["reasons"] = {layer: _without_places(text) for layer, text in reasons.items()}
    if "not_applicable" in kept:
        kept["not_applicable"] = _without_places(kept["not_applicable"])
    return kept | {"conditions": [_without_line(one) for one in kept.get("conditions", [])]}


def _without_places(reason: Json) -> Json:
    """A reason is the same in another folder, and where something was written above the line that it names."""
    return _PLACE.sub(r"\1", reason) if isinstance(reason, str) else reason


def _without_line(condition: Json) -> Json:
    """A condition is the same in a file in which something was written above it."""
    if not isinstance(condition, dict) or not isinstance(condition.get("source"), str):
        return condition
    return condition | {"source": re.sub(r":\d+", "", condition["source"])}


def _differences(path: str, said: Json, evaluated: Json) -> Iterator[str]:
    if isinstance(said, dict) and isinstance(evaluated, dict):
        for name in {**said, **evaluated}:
            yield from _differences(f"{path}.{name}", said.get(name), evaluated.get(name))
    elif isinstance(said, list) and isinstance(evaluated, list) and len(said) == len(evaluated):
        for k, (one, other) in enumerate(zip(said, evaluated, strict=True)):
            yield from _differences(f"{path}[{k}]", one, other)
    elif type(said) is not type(evaluated) or said != evaluated:
        yield f"{path} is {said!r}, comes out as {evaluated!r}"


def _parts(content: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """What is said of each layer, as a whole and at each shape, by the names of the fields."""
    wholes = [("", content)] + [(f"shapes[{k}].", shape) for k, shape in enumerate(content["shapes"])]
    for path, whole in wholes:
        for layer in ("exact", "rigorous"):
            if isinstance(whole.get(layer), dict):
                yield path + layer, whole[layer]


def _unproved_fields(path: str, said: Mapping[str, Json], evaluated: Mapping[str, Json] | None) -> Iterator[str]:
    """What cannot be so, whatever the versions."""
    if evaluated is None:
        yield f"{path} is there, but this layer says nothing now"
        return
    numbers = {name: x for name, x in said.items() if type(x) in (int, float)}
    missing = [name for name, x in evaluated.items() if name not in numbers and type(x) in (int, float)]
    yield from (f"{path}.{name} is no number" for name in missing)
    if missing:
        return
    if path.endswith("exact"):
        least = evaluated["false_accept"]
        if not least <= numbers["false_accept"] <= FALSE_ACCEPT:
            yield f"{path}.false_accept is {numbers['false_accept']}, comes out as {least}"
        return
    allowed = min(RADIUS, 2.0 ** (-numbers["bits"] / 2)) if numbers["bits"] > 0 else 0.0
    if not 0 <= numbers["radius"] <= allowed:
        yield f"{path}.radius is {numbers['radius']}, but {numbers['bits']} bits allow {allowed:.2g}"
