"""The titles of a catalogue as a trie of tokens, by which a model can write nothing but titles that are there."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

__all__ = ["TitleTrie"]


@dataclass
class TrieNode:
    """What may follow some tokens.

    Attributes:
        children: by token.
        items: whose title these tokens are.
    """

    children: dict[int, "TrieNode"] = field(default_factory=dict)
    items: list[int] = field(default_factory=list)


class TitleTrie:
    """Titles by their tokens; several items may have the same.

    Args:
        titles: items, each with the tokens of its title.

    Raises:
        ValueError: there is no title, or one has no token.

    Examples:
        >>> trie = TitleTrie([(0, [5, 6]), (1, [5, 7, 8]), (2, [5, 6])])
        >>> trie.next([5]), trie.items([5, 6]), trie.items([5]), trie.longest
        ([6, 7], [0, 2], [], 3)
    """

    def __init__(self, titles: Iterable[tuple[int, Iterable[int] | Int[np.ndarray, " l"]]]) -> None:
        self.root, self.longest = TrieNode(), 0
        for item, tokens in titles:
            node, length = self.root, 0
            for token in tokens:
                node = node.children.setdefault(int(token), TrieNode())
                length += 1
            if not length:
                raise ValueError(f"the title of item {item} has no token, so it cannot be written; leave it out")
            node.items.append(item)
            self.longest = max(self.longest, length)
        if not self.longest:
            raise ValueError("a trie needs at least one title; there is none")

    def next(self, tokens: Iterable[int]) -> list[int]:
        """The tokens that may follow some others, in rising order; none where no title begins with those."""
        return sorted(self._node(tokens).children)

    def items(self, tokens: Iterable[int]) -> list[int]:
        """The items whose whole title the tokens are."""
        return self._node(tokens).items

    def _node(self, tokens: Iterable[int]) -> TrieNode:
        node = self.root
        for token in tokens:
            node = node.children.get(int(token), TrieNode())
        return node
