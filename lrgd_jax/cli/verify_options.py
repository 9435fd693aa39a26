"""What the options of `lrgd verify` mean; every combination that makes no sense is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ModelOptions", "model_options", "parse_dtypes"]


@dataclass(frozen=True)
class ModelOptions:
    """A checkpoint and the prompt that it is verified on.

    Attributes:
        directory: of the checkpoint.
        prompt: its lines are the demonstrations and, last, the query.
        demonstrations: number of lines, ranges of tokens, or None for all lines but the last.
        steps: greedy tokens.
    """

    directory: Path
    prompt: str
    demonstrations: int | Sequence[tuple[int, int]] | None
    steps: int


def parse_dtypes(text: str) -> list[str]:
    """The dtypes of a comma-separated list.

    Raises:
        ValueError: one is unknown, or none is named.
    """
    from lrgd_jax.claims import DTYPES

    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in DTYPES:
            raise ValueError(f"unknown dtype {name!r}; expected one of {', '.join(DTYPES)}, or several with commas")
    return list(dict.fromkeys(names))


def model_options(
    model: Path | None, prompt: str | None, prompt_file: Path | None, demonstrations: str | None, steps: int
) -> ModelOptions | None:
    """The checkpoint that is to be verified, if one is.

    Raises:
        FileNotFoundError: there is no such prompt file.
        ValueError: the options do not go together, or the prompt file is no text.
    """
    if model is None:
        prompts = {"--prompt": prompt, "--prompt-file": prompt_file, "--demonstrations": demonstrations}
        idle = [name for name, value in prompts.items() if value is not None]
        if idle:
            raise ValueError(f"{', '.join(idle)} without --model: give the directory of a checkpoint too")
        return None
    if prompt is not None and prompt_file is not None:
        raise ValueError("--prompt and --prompt-file were both given; give one of them")
    if prompt_file is not None:
        prompt = _text_of(prompt_file)
    if prompt is None:
        raise ValueError("--model needs a prompt: give --prompt TEXT or --prompt-file FILE")
    if steps < 0:
        raise ValueError(f"--steps must not be negative, got {steps}")
    return ModelOptions(model, prompt, _parse_demonstrations(demonstrations), steps)


def _text_of(prompt_file: Path) -> str:
    from lrgd_jax.outside.json_files import read_text

    # the newline that ends a file is none of the prompt's
    return read_text(prompt_file, what="prompt file").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def _parse_demonstrations(text: str | None) -> int | list[tuple[int, int]] | None:
    """A number of lines, or ranges of tokens such as 0:20,20:41."""
    if text is None:
        return None
    try:
        if ":" not in text:
            return int(text)
        pairs = [part.split(":") for part in text.split(",")]
        return [(int(start), int(end)) for start, end in pairs]
    except ValueError:
        raise ValueError(
            f"--demonstrations {text!r}: expected a number of lines, such as 3, or ranges of tokens, such as 0:20,20:41"
        ) from None
