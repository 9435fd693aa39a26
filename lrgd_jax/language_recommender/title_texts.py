"""The titles of a catalogue as a language model reads and writes them: cut to a few tokens, and as continuations."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int

from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.language_recommender.prompt_templates import PromptTemplate
from lrgd_jax.recommend.data.dataset import Catalogue

__all__ = ["LONGEST", "TitleTexts"]

LONGEST = 12
"""Tokens of a title that are read unless others are asked for; names of products go on for forty."""


@dataclass(frozen=True)
class TitleTexts:
    """Titles, one an item, none longer than some tokens.

    Attributes:
        catalogue: the items.
        tokenizer: of the decoder.
        texts: by item, cut; empty where an item has no title.
        longest: to how many tokens they are cut.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> titles = TitleTexts.of(Catalogue(("b1", "b2"), ("Atlas of Seas", "")), tiny_decoder().tokenizer, longest=5)
        >>> titles.texts, titles.there.tolist()
        (('Atlas', ''), [True, False])
    """

    catalogue: Catalogue
    tokenizer: Tokenizer
    texts: tuple[str, ...]
    longest: int = LONGEST

    @classmethod
    def of(cls, catalogue: Catalogue, tokenizer: Tokenizer, *, longest: int = LONGEST) -> "TitleTexts":
        """The titles of a catalogue.

        Args:
            catalogue: the items.
            tokenizer: of the decoder.
            longest: how many tokens are kept of a title.

        Raises:
            ValueError: no item has a title, or no token is to be kept.
        """
        if longest < 1:
            raise ValueError(f"a title keeps at least one token, got {longest}")
        titles = catalogue.titles or ()
        if not any(title.strip() for title in titles):
            raise ValueError(
                "no item of the catalogue has a title, and a language model knows items by their titles; import the "
                "data with a column of titles"
            )
        cut = tuple(_cut(tokenizer, " ".join(title.split()), longest) for title in titles)
        return cls(catalogue, tokenizer, cut, longest)

    @cached_property
    def there(self) -> Bool[np.ndarray, " items"]:
        """Which items have a title."""
        return np.array([bool(text) for text in self.texts])

    def of_items(self, items: Iterable[int]) -> list[str]:
        """The titles of some items, those without one left out."""
        return [self.texts[item] for item in items if self.texts[item]]

    def require(self, item: int) -> str:
        """The title of an item.

        Raises:
            ValueError: it has none.
        """
        if not self.texts[item]:
            name = self.catalogue.names[item]
            raise ValueError(
                f"the item {name!r} has no title, so a language model cannot be asked for it; leave it out, or give it "
                "one in the data"
            )
        return self.texts[item]

    def continuation(self, template: PromptTemplate, item: int) -> Int[np.ndarray, " l"]:
        """The tokens that answer with the title of an item, as they come behind a question of the template.

        Raises:
            ValueError: the item has no title.
        """
        before, text = template.tail, template.completion(self.require(item))
        encoding = self.tokenizer.encoding(before + text)
        starts, ends = np.asarray(encoding.offsets).T
        # what the tokenizer adds of itself has no letters
        return np.asarray(encoding.ids, np.int32)[(ends > starts) & (ends > len(before))]


def _cut(tokenizer: Tokenizer, title: str, longest: int) -> str:
    """The beginning of a title, up to the end of a token."""
    encoding = tokenizer.encoding(title)
    ends = [end for start, end in encoding.offsets if end > start]
    return title if len(ends) <= longest else title[: ends[longest - 1]].rstrip()
