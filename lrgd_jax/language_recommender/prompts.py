"""Prompts that recommend: other customers' histories with what came next, then the history of who asks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from lrgd_jax.decoder.loading import LoadedDecoder
from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.effect.prompt import Prompt, encode_pieces
from lrgd_jax.language_recommender.prompt_templates import PromptTemplate
from lrgd_jax.language_recommender.title_texts import TitleTexts

__all__ = ["PromptWriter", "TitledTransition"]

HISTORY, TOLD = 5, 3
"""Titles of the history of who asks, and of a demonstration's, that are written; the latest ones."""


class TitledTransition(NamedTuple):
    """A demonstration: what somebody had, and what came next.

    Attributes:
        history: items, oldest first.
        target: the item that came next.

    Examples:
        >>> TitledTransition(history=[4, 7], target=2).target
        2
    """

    history: Sequence[int]
    target: int


@dataclass(frozen=True)
class PromptWriter:
    r"""Writes prompts about one catalogue for one decoder.

    Attributes:
        decoder: with a tokenizer.
        titles: of the catalogue.
        template: how histories become text.
        history: how many of the latest titles of who asks are written.
        told: how many of a demonstration's.

    Raises:
        ValueError: the decoder has no tokenizer, or a history is to have no title.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.language_recommender import TitleTexts, load_template
        >>> decoder = tiny_decoder()
        >>> titles = TitleTexts.of(Catalogue(("a", "b", "c"), ("Atlas", "Lamp", "Tent")), decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("sentence"))
        >>> prompt = writer.prompt([0], [TitledTransition([1], 2)])
        >>> prompt.demonstrations, prompt.query
        (('A customer who bought "Lamp" then bought "Tent"\n',), 'A customer who bought "Atlas" then bought')
        >>> int(writer.zero_shot([0]).segments.max())
        0
    """

    decoder: LoadedDecoder
    titles: TitleTexts
    template: PromptTemplate
    history: int = HISTORY
    told: int = TOLD
    _continuations: dict[int, Int[np.ndarray, " l"]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.decoder.tokenizer is None:
            raise ValueError("the model has no tokenizer, so it cannot read titles; give a folder with tokenizer.json")
        if min(self.history, self.told) < 1:
            raise ValueError(f"a history is written with at least one title, got {self.history} and {self.told}")

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the decoder."""
        return self.titles.tokenizer

    def prompt(self, history: Sequence[int], demonstrations: Sequence[TitledTransition] = ()) -> Prompt:
        """The prompt that asks what comes after a history; its answer is to be given yet.

        Titles that are empty are left out; the latest ones that are there are written.

        Args:
            history: items of who asks, oldest first.
            demonstrations: in the order in which they stand in the prompt; none for a zero-shot prompt.

        Raises:
            ValueError: a demonstration's target has no title, the prompt does not fit the context, or the template is
                a chat and the tokenizer knows none.
        """
        pairs = [(self._latest(one.history, self.told), self.titles.require(one.target)) for one in demonstrations]
        pieces = self.template.pieces(self.tokenizer, pairs, self._latest(history, self.history))
        return encode_pieces(self.tokenizer, self.decoder.config, pieces, None, begins=not self.template.chat)

    def zero_shot(self, history: Sequence[int]) -> Prompt:
        """The prompt without a demonstration."""
        return self.prompt(history)

    def unprompted(self) -> Prompt:
        """What stands before a title whatever the history is: by it the model's own liking of titles is measured."""
        pieces = self.template.pieces(self.tokenizer, [], [])
        tail = self.template.tail
        bare = type(pieces)("", (), tail if self.template.chat else tail.lstrip("\n"))
        return encode_pieces(self.tokenizer, self.decoder.config, bare, None, begins=True)

    @property
    def longest(self) -> int:
        """Tokens that any title may have with what stands around it, about."""
        return self.titles.longest + 4

    def continuation(self, item: int) -> Int[np.ndarray, " l"]:
        """The tokens that answer with an item's title.

        Raises:
            ValueError: the item has no title.
        """
        if item not in self._continuations:
            self._continuations[item] = self.titles.continuation(self.template, item)
        return self._continuations[item]

    def with_answer(self, prompt: Prompt, item: int) -> Prompt:
        """A prompt with an item's title as its answer.

        Raises:
            ValueError: the item has no title, or the two do not fit the context.
        """
        own = self.continuation(item)
        self.require_room(prompt, len(own))
        return prompt.with_answer(own, self.titles.texts[item])

    def require_room(self, prompt: Prompt, longest: int) -> None:
        """Raises where no title of so many tokens fits behind a prompt.

        Raises:
            ValueError: it is so.
        """
        n, room = len(prompt.tokens), self.decoder.config.context_length
        if n + longest > room:
            raise ValueError(
                f"the prompt has {n} tokens, of which {int(prompt.counts().sum())} are demonstrations, and the longest "
                f"title {longest}, but the model's context holds {room}: show fewer demonstrations, or shorter "
                "histories and titles"
            )

    def _latest(self, history: Sequence[int], most: int) -> list[str]:
        return self.titles.of_items(history)[-most:]
