"""`lrgd explain`: which demonstrations of a prompt make a model answer as it does."""

from __future__ import annotations

import contextlib
import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.files import require_writable
from lrgd_jax.cli.options import require_at_least_one

if TYPE_CHECKING:
    from lrgd_jax.effect.template import Template
    from lrgd_jax.report.explanation import Explanation

__all__ = ["explain"]


class Part(enum.StrEnum):
    """Parts of a decoder, to which effects are assigned."""

    LAYER = "layer"
    HEAD = "head"


def explain(
    model: Annotated[str, typer.Option(help="A Hugging Face directory, a GGUF file, or smollm2.")],
    demonstrations: Annotated[
        Path, typer.Option(help='A file with {"text": …} or {"input": …, "output": …} on each line.')
    ],
    query: Annotated[str, typer.Option(help="A text to go on with, or the input whose output is asked for.")],
    target: Annotated[
        str | None, typer.Option(help="The answer that is explained; the model's own unless given.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Another answer: explain the log odds of the target against it.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="How demonstrations are scored; a wrong name lists all.")] = None,
    by: Annotated[Part | None, typer.Option(help="Show parts of the scores by layer or by head.")] = None,
    interactions: Annotated[
        bool, typer.Option("--interactions", help="Show what pairs of demonstrations do together, for up to 8 of them.")
    ] = False,
    template: Annotated[
        str | None,
        typer.Option(help=r"Template of inputs and outputs, such as 'Q: {input}\nA: {output}\n'; \n and \t are read."),
    ] = None,
    chat: Annotated[bool, typer.Option("--chat", help="Write the prompt as turns of a chat (ChatML).")] = False,
    preamble: Annotated[str, typer.Option(help="A text before the demonstrations that is always seen.")] = "",
    answer_tokens: Annotated[int, typer.Option(help="The most tokens of the model's own answer.")] = 12,
    json: Annotated[Path | None, typer.Option(help="Write the numbers to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one page that needs nothing else to this file.")] = None,
) -> None:
    """Rank the demonstrations of a prompt by what each of them is worth; positive scores help."""
    require_writable({"--json": json, "--html": html})
    require_at_least_one({"--answer-tokens": answer_tokens})
    explanation = _explain(
        model,
        demonstrations,
        query,
        target,
        against,
        method,
        by,
        _template(template),
        interactions=interactions,
        chat=chat,
        preamble=preamble,
        answer_tokens=answer_tokens,
    )
    _show(explanation)
    _write(explanation, json, html)


def _explain(
    model: str,
    file: Path,
    query: str,
    target: str | None,
    against: str | None,
    method: str | None,
    by: Part | None,
    template: Template | None,
    *,
    interactions: bool,
    chat: bool,
    preamble: str,
    answer_tokens: int,
) -> Explanation:
    from lrgd_jax.cli.terminal import progress_bar
    from lrgd_jax.effect.demonstrations import read_demonstrations
    from lrgd_jax.report.explanation import explain

    parsed = read_demonstrations(file)
    with progress_bar() as bar:
        task = bar.add_task("weights", total=None)
        return explain(
            model,
            parsed,
            query,
            target,
            against=against,
            method=method,
            interactions=interactions,
            template=template,
            chat=chat,
            preamble=preamble,
            answer_tokens=answer_tokens,
            by=None if by is None else by.value,
            progress=lambda stage: bar.update(task, description=stage),
        )


def _template(text: str | None) -> Template | None:
    """The template of an option, in which a newline and a tab may stand as two characters."""
    from lrgd_jax.effect.template import Template

    return None if text is None else Template(text.replace(r"\n", "\n").replace(r"\t", "\t"))


def _write(explanation: Explanation, json: Path | None, html: Path | None) -> None:
    """Both files or none, as far as a file system allows it."""
    from lrgd_jax.atomic import atomic_write

    contents = ((json, explanation.to_json), (html, explanation.html))
    with contextlib.ExitStack() as files:
        for file, content in contents:
            if file is not None:
                files.enter_context(atomic_write(file)).write_text(content(), encoding="utf-8")


def _show(explanation: Explanation) -> None:
    from lrgd_jax.cli.terminal import results_console

    results_console().print(explanation.table())
