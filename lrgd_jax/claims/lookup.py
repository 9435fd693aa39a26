"""A claim by its name, with a hint where the name is unknown."""

from collections.abc import Mapping
from typing import TypeVar

from lrgd_jax.suggestions import did_you_mean

__all__ = ["find_claim"]

ClaimOrText = TypeVar("ClaimOrText")


def find_claim(claims: Mapping[str, ClaimOrText], slug: str) -> ClaimOrText:
    """The claim of that name.

    Args:
        claims: by slug, as `load_claims` or `read_claim_texts` returns them.
        slug: of the claim.

    Raises:
        ValueError: there is none; the message lists those that contain the name, or else suggests the nearest.

    Examples:
        >>> from lrgd_jax.claims import load_claims
        >>> find_claim(load_claims(), "momentum").group
        'B'
        >>> find_claim({"delta-rule": find_claim(load_claims(), "delta-rule")}, "delta")
        Traceback (most recent call last):
        ValueError: there is no claim 'delta'; did you mean 'delta-rule'? `lrgd claims` lists all 1
    """
    if slug in claims:
        return claims[slug]
    hint = did_you_mean(slug, claims, containing=True)
    raise ValueError(f"there is no claim {slug!r}; {hint}{' ' if hint else ''}`lrgd claims` lists all {len(claims)}")
