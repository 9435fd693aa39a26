"""The groups of claims: a letter, which stands in claims and result files, and a word, which people say."""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["GROUPS", "MISQUOTED", "Group", "group_legend", "group_letter", "group_name"]


@dataclass(frozen=True)
class Group:
    """A group of the claims that come with the package.

    Attributes:
        letter: stands in `Claim.group`.
        word: names it on the command line.
        about: what its claims say.
    """

    letter: str
    word: str
    about: str

    def __str__(self) -> str:
        return f"{self.letter} ({self.word})"


GROUPS = (
    Group("A", "attention", "attention and whole decoders are the test outputs of their duals"),
    Group("B", "optimisers", "which gradient descent a layer does"),
    Group("C", "robustness", "what perturbations and regularisers do to both sides"),
    Group("D", "effect", "what a demonstration is worth"),
    Group("F", "recommendation", "recommenders are duals of attention over past users"),
)
"""All of them. A user's claim may name any other group; without one it is of the group "user"."""


MISQUOTED = "misquoted"
"""In the place of a group: the claims of all groups that have a wrong version which is quoted for the right one."""


def group_letter(name: str) -> str:
    """The letter of a group by its letter or its word; any other name is itself.

    Examples:
        >>> group_letter("attention"), group_letter("A"), group_letter("user")
        ('A', 'A', 'user')
    """
    return next((group.letter for group in GROUPS if name.lower() in (group.letter.lower(), group.word)), name)


def group_name(name: str) -> str:
    """A group with letter and word, for messages.

    Examples:
        >>> group_name("A"), group_name("user")
        ('A (attention)', 'user')
    """
    return next((str(group) for group in GROUPS if group.letter == group_letter(name)), name)


def group_legend(names: Iterable[str]) -> list[str]:
    """One line a group that occurs: letter, word, and what its claims say.

    Examples:
        >>> group_legend(["D", "user"])
        ['D  effect: what a demonstration is worth']
    """
    letters = {group_letter(name) for name in names}
    return [f"{group.letter}  {group.word}: {group.about}" for group in GROUPS if group.letter in letters]
