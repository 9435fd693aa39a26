"""The text of a few-shot prompt in pieces: plain, by a template, or as turns of a chat."""

from collections.abc import Sequence
from dataclasses import dataclass

from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.effect.demonstrations import Demonstration

__all__ = ["END", "TURN", "Pieces", "Template", "pieces_of"]

TURN, END = "<|im_start|>", "<|im_end|>"
"""Around a turn of ChatML."""


@dataclass(frozen=True)
class Template:
    r"""How an input and its output become text.

    Attributes:
        text: holds `{input}` and, after it, `{output}`, once each; all else stands as it is.

    Raises:
        ValueError: a place is missing, or there twice, or the output comes first.

    Examples:
        >>> from lrgd_jax.effect import Template
        >>> template = Template("{input} -> {output}\n")
        >>> template.demonstration("Italy", "Rome"), template.query("France")
        ('Italy -> Rome\n', 'France -> ')
    """

    text: str = "Input: {input}\nOutput: {output}\n"

    def __post_init__(self) -> None:
        for place in ("{input}", "{output}"):
            if self.text.count(place) != 1:
                raise ValueError(
                    f"the template {self.text!r} must hold {place} once, but holds it {self.text.count(place)} times; "
                    f"an example is {Template.text!r}"
                )
        if self.text.index("{output}") < self.text.index("{input}"):
            raise ValueError(f"the template {self.text!r} has {{output}} before {{input}}: a query ends at its output")

    def demonstration(self, given: str, answer: str) -> str:
        """An input with its output."""
        before, after = self.text.split("{output}")
        return before.replace("{input}", given) + answer + after

    def query(self, given: str) -> str:
        """An input, up to where its output stands."""
        return self.text.split("{output}")[0].replace("{input}", given)


@dataclass(frozen=True)
class Pieces:
    """Text that is always seen, of each demonstration, and of the query."""

    head: str
    demonstrations: tuple[str, ...]
    query: str


def pieces_of(
    tokenizer: Tokenizer,
    demonstrations: Sequence[Demonstration],
    query: str,
    *,
    template: Template | None,
    chat: bool,
    preamble: str,
) -> Pieces:
    """The pieces of a prompt; arguments as of `lrgd_jax.effect.few_shot`.

    Raises:
        ValueError: no demonstration, or texts and pairs together; a template that is of no use; or a chat with a
            tokenizer that knows none.
    """
    kind = _kind(demonstrations)
    if template is not None and (chat or kind is str):
        why = "turns of a chat" if chat else "whole texts"
        raise ValueError(f"a template is for pairs of input and output, but the demonstrations are {why}; leave it out")
    if chat:
        return _chat(tokenizer, demonstrations, query, preamble)
    return _plain(demonstrations, query, preamble, template or Template())


def _kind(demonstrations: Sequence[Demonstration]) -> type:
    if not demonstrations:
        raise ValueError("there is no demonstration: give at least one, for its effect is what is explained")
    kinds = {str if isinstance(one, str) else tuple for one in demonstrations}
    if len(kinds) > 1:
        raise ValueError("some demonstrations are texts and others pairs of input and output; give all in one form")
    return kinds.pop()


def _plain(demonstrations: Sequence[Demonstration], query: str, preamble: str, template: Template) -> Pieces:
    texts = [one if isinstance(one, str) else template.demonstration(*one) for one in demonstrations]
    ended = tuple(text if text.endswith("\n") else text + "\n" for text in texts)
    asked = query if isinstance(demonstrations[0], str) else template.query(query)
    return Pieces(preamble and preamble.rstrip("\n") + "\n", ended, asked)


def _chat(tokenizer: Tokenizer, demonstrations: Sequence[Demonstration], query: str, preamble: str) -> Pieces:
    """The mark that begins a turn belongs to what stands before it, so every choice of demonstrations is a chat."""
    for mark in (TURN, END):
        if tokenizer.backend.token_to_id(mark) is None:
            raise ValueError(
                f"the tokenizer has no token {mark}, so the model was made for no ChatML; leave out the chat"
            )
    head = f"{TURN}system\n{preamble}{END}\n{TURN}" if preamble else TURN
    asked = f"{query}{END}\n{TURN}assistant\n"
    if isinstance(demonstrations[0], str):
        return Pieces(f"{head}user\n", tuple(f"{one}\n" for one in demonstrations), asked)
    turns = tuple(f"user\n{given}{END}\n{TURN}assistant\n{answer}{END}\n{TURN}" for given, answer in demonstrations)
    return Pieces(head, turns, f"user\n{asked}")
