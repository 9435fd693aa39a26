"""Special tokens that files beside a tokenizer.json name, which are never cut from then on.

`transformers` tells its tokenizer of every token that tokenizer_config.json names, whether tokenizer.json has marked it
or not: a text in which it stands is cut otherwise then. Where tokenizer_config.json holds no added_tokens_decoder, what
special_tokens_map.json says replaces it, and added_tokens.json gives further tokens their ids.
"""

from collections.abc import Mapping
from pathlib import Path

import tokenizers

from lrgd_jax.outside.convert import shorten
from lrgd_jax.outside.json_files import read_json

__all__ = ["mark_special_tokens"]

SETTINGS, MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
LISTS = ("additional_special_tokens", "extra_special_tokens")
FLAGS = ("lstrip", "rstrip", "single_word", "normalized")


def mark_special_tokens(backend: tokenizers.Tokenizer, settings: Mapping[str, object], directory: Path) -> None:
    """Tells a tokenizer of the special tokens that its settings and the older files beside it name.

    Args:
        backend: the library's object, which is changed; a token that it does not have gets the next id.
        settings: of tokenizer_config.json.
        directory: of the files.

    Raises:
        ValueError: one of the files is malformed, gives a token another id than tokenizer.json, or says something else
            than which tokens are special.

    Source:
        `transformers` 5.23, PreTrainedTokenizerBase._from_pretrained and TokenizersBackend._post_init.
    """
    beside = directory / SETTINGS
    named = {name: (beside, value) for name, value in settings.items() if _is_named(name, value)}
    if "added_tokens_decoder" not in settings:
        named |= {name: (directory / MAP, value) for name, value in _read_map(directory / MAP).items()}
        _require_ids(backend, directory / ADDED)
    if LISTS[1] in named:
        named.pop(LISTS[0], None)
    tokens = [_token(one, f"{file}: {name}") for name, (file, value) in named.items() for one in _each(value)]
    backend.add_special_tokens([token for token in tokens if token.content])


def _read_map(file: Path) -> dict[str, object]:
    """What special_tokens_map.json says, which is nothing where there is none."""
    if not file.is_file():
        return {}
    written = read_json(file, dict[str, object], what="map of special tokens")
    for name, value in written.items():
        if value and not _is_named(name, value):
            raise ValueError(
                f"{file}: {shorten(name)} is {shorten(value)}; expected names that end in _token, each with a token, "
                f"or a list under {LISTS[0]}; say it in tokenizer_config.json instead"
            )
    return {name: value for name, value in written.items() if value}


def _require_ids(backend: tokenizers.Tokenizer, file: Path) -> None:
    if not file.is_file():
        return
    for token, number in read_json(file, dict[str, int], what="list of added tokens").items():
        if backend.token_to_id(token) != number:
            raise ValueError(f"{file} has {shorten(token)} as token {number}, tokenizer.json has not")


def _is_named(name: str, value: object) -> bool:
    """Whether a setting names a token or several."""
    one = name.endswith("_token") and isinstance(value, str | Mapping)
    # an empty list counts as none
    return one or (name in LISTS and isinstance(value, list | Mapping) and bool(value))


def _each(value: object) -> list[object]:
    """The tokens of a setting: one, a list of them, or a record that names each."""
    if isinstance(value, Mapping) and "content" not in value:
        return [*value.values()]
    return [*value] if isinstance(value, list) else [value]


def _token(written: object, where: str) -> tokenizers.AddedToken:
    if isinstance(written, str):
        return tokenizers.AddedToken(written, special=True, normalized=False)
    content = written.get("content") if isinstance(written, Mapping) else None
    if not isinstance(content, str):
        raise ValueError(f"{where}: expected a token, got {shorten(written)}")
    flags = {flag: bool(written[flag]) for flag in FLAGS if isinstance(written, Mapping) and flag in written}
    return tokenizers.AddedToken(content, special=True, **flags)
