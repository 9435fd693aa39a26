"""Wrong versions of a side, which a check must reject."""

from dataclasses import dataclass
from typing import Literal

from lrgd_jax.claims.side import Side

__all__ = ["Mutant"]


@dataclass(frozen=True)
class Mutant:
    """A plausible wrong version of one side, which the check must reject.

    Attributes:
        name: what is wrong with it.
        side: the wrong function; where it differs from the right one by an argument, `alter` makes it.
        replaces: the side that it stands in for.

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

    def __post_init__(self) -> None:
        if self.replaces not in ("left", "right"):
            raise ValueError(f'mutant {self.name!r}: replaces must be "left" or "right", got {self.replaces!r}')
