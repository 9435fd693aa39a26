"""A command line that cannot be read: what is wrong with it, in one sentence, and what was meant."""

import re
from collections.abc import Iterator
from typing import Any

from lrgd_jax.outside.convert import shorten
from lrgd_jax.suggestions import did_you_mean

__all__ = ["is_usage_error", "usage_sentence"]

EXPECTED = {
    "int_parsing": "expected a whole number",
    "int_parsing_size": "expected a whole number of fewer digits",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "greater_than_equal": "expected a number of at least {ge}",
    "less_than_equal": "expected a number of at most {le}",
}
"""What pydantic's types of mistakes are called in a sentence."""


def is_usage_error(error: BaseException) -> bool:
    """Whether an error is the framework's own about a command line: a word, an option or a value that it cannot take.

    That no command is named at all is answered by the help, and is none.
    """
    # Typer brings the classes along, or takes those of an installed click: the same names elsewhere
    return hasattr(error, "format_message") and type(error).__name__ != "NoArgsIsHelpError"


def usage_sentence(error: Any) -> str:
    """What a command line does not say, or says wrongly, in one sentence, with what is spelt like it.

    Args:
        error: of the framework.
    """
    context = getattr(error, "ctx", None)
    said = " ".join(_without_suggestions(error).split()).rstrip(".")
    parts = [said[:1].lower() + said[1:], *_suggestion(error, context)]
    if context is not None:
        parts.append(f"see `{context.command_path} --help`")
    return "; ".join(parts)


def _without_suggestions(error: Any) -> str:
    """The framework's words; what it suggests is left out, since it does so for some mistakes only."""
    if hasattr(error, "possibilities"):
        return f"there is no option {error.option_name!r}"
    for wrong in _invalid(error):
        known = EXPECTED.get(wrong["type"])
        # pydantic's own words, where there are no others, show what came
        said = wrong["msg"].removeprefix("Value error, ") if known is None else known.format(**wrong.get("ctx", {}))
        return f"{' / '.join(error.param.opts)}: {said}" + (f", got {shorten(wrong['input'])}" if known else "")
    return error.format_message().split(" Did you mean")[0]


def _invalid(error: BaseException) -> list[Any]:
    """What pydantic, where the framework asks it, says of a value: its type of mistake, and what came."""
    cause = error.__cause__
    return [] if cause is None or not hasattr(cause, "errors") else cause.errors()[:1]  # pyright: ignore


def _suggestion(error: Any, context: Any) -> Iterator[str]:
    if context is None:
        return
    name, known = _unknown_word(error, context)
    if question := did_you_mean(name, known):
        yield question.rstrip("?")


def _unknown_word(error: Any, context: Any) -> tuple[str, list[str]]:
    """The word that is not known, and those that are; empty where it is about something else."""
    if hasattr(error, "possibilities"):
        options = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        return error.option_name, options
    word, *others = re.findall("'([^']*)'", error.message) or [""]
    if error.message.startswith("No such command"):
        return word, list(context.command.commands)
    return word, others if "is not one of" in error.message else []
