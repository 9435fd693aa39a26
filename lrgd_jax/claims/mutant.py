"""Wrong versions of a side, which a check must reject."""

from dataclasses import dataclass
from typing import Literal

from lrgd_jax.claims.side import Side

__all__ = ["Misquotation", "Mutant"]


@dataclass(frozen=True)
class Misquotation:
    """A wrong version that people take for the right one: as it is said, where, and what is right.

    Attributes:
        says: the statement as it is found, in our words.
        source: where it is found, with the version; or the work that it is commonly read into.
        rather: what is right, which the claim states in full.

    Raises:
        ValueError: one of them is empty.

    Examples:
        >>> Misquotation(says="(x + y)^2 is x^2 + y^2.", source="school", rather="2xy is missing.").source
        'school'
    """

    says: str
    source: str
    rather: str

    def __post_init__(self) -> None:
        for name in ("says", "source", "rather"):
            if not getattr(self, name).strip():
                raise ValueError(f"misquotation {self.says!r}: {name} must be a sentence, got an empty one")


@dataclass(frozen=True)
class Mutant:
    """A plausible wrong version of one side, which the check must reject.

    Attributes:
        name: what is wrong with it.
        side: the wrong function; where it differs from the right one by an argument, `alter` makes it.
        replaces: the side that it stands in for.
        quoted: where it is taken for the right version; None where it is only plausible.

    Raises:
        ValueError: `replaces` is neither "left" nor "right".

    Examples:
        >>> from lrgd_jax.claims import alter
        >>> def doubled(x):
        ...     return 2 * x
        >>> Mutant("the sign is wrong", alter(doubled, x=lambda x: -x)).side(x=3)
        -6
    """

    name: str
    side: Side
    replaces: Literal["left", "right"] = "right"
    quoted: Misquotation | None = None

    def __post_init__(self) -> None:
        if self.replaces not in ("left", "right"):
            raise ValueError(f'mutant {self.name!r}: replaces must be "left" or "right", got {self.replaces!r}')
