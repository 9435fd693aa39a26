"""The option --group: which claims are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrgd_jax.claims import Claim

__all__ = ["asks_for_misquoted", "keep_groups"]


def keep_groups(chosen: list[Claim], groups: str | None) -> list[Claim]:
    """The claims of some groups, or all of them where none is named.

    Args:
        chosen: the claims.
        groups: letters or words with commas between them; `misquoted` stands for the claims of all groups that have a
            wrong version which is quoted for the right one.

    Raises:
        ValueError: no claim is of one of the groups.
    """
    if groups is None:
        return chosen
    from lrgd_jax.claims.groups import MISQUOTED, group_letter, group_name

    names = _names(groups)
    known = sorted({group_letter(claim.group) for claim in chosen})
    known += [MISQUOTED] if any(claim.misquoted for claim in chosen) else []
    unknown = [name for name in names if group_letter(name) not in known]
    if unknown:
        there = ", ".join(map(group_name, known))
        raise ValueError(f"--group {groups}: there are no claims of {unknown[0]!r}; there are {there}")
    wanted = set(map(group_letter, names))
    quoted = MISQUOTED in wanted
    return [claim for claim in chosen if group_letter(claim.group) in wanted or (quoted and claim.misquoted)]


def asks_for_misquoted(groups: str | None) -> bool:
    """Whether wrong versions are to be refuted one by one.

    Args:
        groups: as for `keep_groups`.

    Examples:
        >>> asks_for_misquoted("A,misquoted"), asks_for_misquoted("A"), asks_for_misquoted(None)
        (True, False, False)
    """
    from lrgd_jax.claims.groups import MISQUOTED

    return groups is not None and MISQUOTED in _names(groups)


def _names(groups: str) -> list[str]:
    return [name.strip() for name in groups.split(",")]
