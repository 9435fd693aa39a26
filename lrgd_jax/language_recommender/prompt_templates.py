"""How a recommendation is put to a language model: templates are TOML files, which people may write themselves."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.effect.template import END, TURN, Pieces, pieces_of
from lrgd_jax.effect.template import Template as PairTemplate
from lrgd_jax.outside.convert import convert_record, cut_text
from lrgd_jax.outside.toml_files import read_toml
from lrgd_jax.suggestions import did_you_mean

__all__ = ["DEFAULT", "PromptTemplate", "load_template", "template_names"]

FILES = Path(__file__).parent / "template_files"
DEFAULT = "log"
"""The template that is taken unless another is named."""
HISTORY, TITLE = "{history}", "{title}"
PAIR = PairTemplate("{input}{output}")
"""A question with its answer right behind it."""


@dataclass(frozen=True)
class PromptTemplate:
    r"""How a history and the title that came next become text.

    Attributes:
        question: holds `{history}` once; ends where a title is to stand.
        answer: holds `{title}` once; what stands around it belongs to the answer, such as the blank before it.
        description: one sentence, for people who choose.
        preamble: always seen, before the demonstrations; in a chat the turn of the system.
        joiner: between the titles of a history.
        nothing: stands for a history without a title.
        chat: whether questions and answers are turns of a chat (ChatML).

    Raises:
        ValueError: a place is missing or there twice, or the question ends with a blank.

    Examples:
        >>> template = PromptTemplate("Bought: {history}\nNext:", " {title}\n")
        >>> template.ask(["Atlas", "Lamp"]), template.tell("Tent")
        ('Bought: Atlas; Lamp\nNext:', ' Tent\n')
    """

    question: str
    answer: str
    description: str = ""
    preamble: str = ""
    joiner: str = "; "
    nothing: str = "nothing yet"
    chat: bool = False

    def __post_init__(self) -> None:
        for field, place in (("question", HISTORY), ("answer", TITLE)):
            text: str = getattr(self, field)
            if text.count(place) != 1:
                raise ValueError(
                    f"the {field} of a template must hold {place} once, but {cut_text(text)!r} holds it "
                    f"{text.count(place)} times"
                )
        if self.question.endswith(" "):
            raise ValueError(
                f"the question {cut_text(self.question)!r} of a template ends with a blank, which most tokenizers join "
                "with the word after it; let the answer begin with it"
            )

    def ask(self, titles: list[str]) -> str:
        """The question that a history is."""
        return self.question.replace(HISTORY, self.joiner.join(titles) or self.nothing)

    def tell(self, title: str) -> str:
        """The answer that a title is."""
        return self.answer.replace(TITLE, title)

    def completion(self, title: str) -> str:
        """What the model would write to answer with a title; in a chat up to the end of its turn."""
        return self.tell(title) + (END if self.chat else "")

    @property
    def tail(self) -> str:
        """What stands between the last title of a history and the answer."""
        asked = self.question.split(HISTORY)[1]
        return f"{asked}{END}\n{TURN}assistant\n" if self.chat else asked

    def pieces(self, tokenizer: Tokenizer, told: list[tuple[list[str], str]], history: list[str]) -> Pieces:
        """The texts of a prompt.

        Args:
            tokenizer: which must know ChatML where the template is a chat.
            told: histories, each with the title that came next.
            history: of who asks.

        Raises:
            ValueError: the tokenizer knows no chat, and the template is one.
        """
        # without a demonstration the layout of one is made, and left out again
        pairs = [(self.ask(titles), self.tell(title)) for titles, title in told or [([], "")]]
        template = None if self.chat else PAIR
        made = pieces_of(tokenizer, pairs, self.ask(history), template=template, chat=self.chat, preamble=self.preamble)
        return made if told else dataclasses.replace(made, demonstrations=())


def template_names() -> list[str]:
    """Names of the templates that come with the package.

    Examples:
        >>> template_names()
        ['chat', 'list', 'log', 'sentence']
    """
    return sorted(file.stem for file in FILES.glob("*.toml"))


def load_template(name: str) -> PromptTemplate:
    """The template of a name, or of a file that ends in .toml.

    Args:
        name: one of `template_names()`, or the path of a file with the fields of `PromptTemplate`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: there is no such template, a field is not known, missing or of another type.

    Examples:
        >>> load_template("log").chat, load_template("chat").chat
        (False, True)
        >>> load_template("lg")
        Traceback (most recent call last):
            ...
        ValueError: there is no template 'lg'; did you mean 'log'? known are chat, list, log, sentence
    """
    known = template_names()
    if name in known:
        return read_template(FILES / f"{name}.toml")
    if name.endswith(".toml"):
        return read_template(Path(name))
    hint = did_you_mean(name, known)
    raise ValueError(
        f"there is no template {cut_text(name)!r}; {hint}{' ' if hint else ''}known are {', '.join(known)}"
        + ("" if hint else ", or a file that ends in .toml")
    )


def read_template(file: Path) -> PromptTemplate:
    """The template of a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no TOML, or a field is not known, missing or of another type.
    """
    content = read_toml(file, dict[str, object], what="template")
    known = [field.name for field in dataclasses.fields(PromptTemplate)]
    for name in content:
        if name not in known:
            hint = did_you_mean(name, known, show=str)
            raise ValueError(
                f"{file}: the field {cut_text(name)} is not known; {hint}{' ' if hint else ''}known are "
                f"{', '.join(known)}"
            )
    for name in ("question", "answer"):
        if name not in content:
            raise ValueError(f"{file}: the field {name} is missing")
    try:
        return convert_record(content, PromptTemplate, where=str(file))
    except ValueError as error:
        said = str(error)
        raise ValueError(said if said.startswith(str(file)) else f"{file}: {said}") from None
