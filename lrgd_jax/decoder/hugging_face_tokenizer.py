"""The tokenizer of a Hugging Face directory: tokenizer.json, and what the files beside it say of its tokens."""

import json
from collections.abc import Mapping
from pathlib import Path

from lrgd_jax.decoder.fields import Fields, refuse_unread
from lrgd_jax.decoder.special_tokens import mark_special_tokens
from lrgd_jax.decoder.tokenizer import Tokenizer, load_tokenizer
from lrgd_jax.outside.convert import shorten
from lrgd_jax.outside.json_files import read_json

__all__ = ["TOKENIZER_KEYS", "check_settings", "hugging_face_tokenizer"]

TOKENIZER_KEYS: Mapping[str, tuple[str, ...]] = {
    "what the file is, and who reads it": (
        "_commit_hash",
        "added_tokens_file",
        "auto_map",
        "backend",
        "from_slow",
        "is_local",
        "local_files_only",
        "name_or_path",
        "processor_class",
        "special_tokens_map_file",
        "tokenizer_class",
        "tokenizer_file",
        "tokenizer_type",
        "transformers_version",
        "use_fast",
        "vocab_file",
        "merges_file",
    ),
    "which tokens mean what; `mark_special_tokens` reads them": (
        "additional_special_tokens",
        "audio_token",
        "boi_token",
        "bos_token",
        "cls_token",
        "eoi_token",
        "eos_token",
        "extra_special_tokens",
        "image_token",
        "mask_token",
        "model_specific_special_tokens",
        "pad_token",
        "sep_token",
        "unk_token",
    ),
    "lengths and padding, which every call asks for anew": (
        "max_length",
        "model_input_names",
        "model_max_length",
        "pad_to_multiple_of",
        "pad_token_type_id",
        "padding",
        "padding_side",
        "stride",
        "truncation",
        "truncation_side",
        "truncation_strategy",
    ),
    "how a conversation is written": ("chat_template", "use_default_system_prompt"),
    "how tokens become text again": ("clean_up_tokenization_spaces", "errors", "spaces_between_special_tokens"),
    "how tokenizer.json was made": ("add_dummy_prefix_space", "legacy", "sp_model_kwargs", "do_lower_case"),
}
WITHOUT_EFFECT = frozenset(name for names in TOKENIZER_KEYS.values() for name in names)
NEUTRAL: Mapping[str, object] = {"split_special_tokens": False}
ENDS = {"add_bos_token": ("bos_token", slice(0, 1)), "add_eos_token": ("eos_token", slice(-1, None))}
"""Which switch puts which token where in every text."""


def hugging_face_tokenizer(directory: Path, vocab_size: int) -> Tokenizer | None:
    """The tokenizer of a model directory; None where there is no tokenizer.json.

    Args:
        directory: of the model.
        vocab_size: of the decoder.

    Raises:
        ValueError: a file is malformed, or tokenizer_config.json asks for what tokenizer.json does not do.
    """
    file, settings = directory / "tokenizer.json", directory / "tokenizer_config.json"
    if not file.is_file():
        return None
    tokenizer = load_tokenizer(file, vocab_size)
    said = read_json(settings, dict[str, object], what="file of settings") if settings.is_file() else {}
    if said:
        try:
            check_settings(tokenizer, Fields(said))
        except ValueError as error:
            raise ValueError(f"{settings}: {str(error).removeprefix(f'{settings}: ')}") from error
    mark_special_tokens(tokenizer.backend, said, directory)
    return tokenizer


def check_settings(tokenizer: Tokenizer, settings: Fields) -> None:
    """Holds tokenizer_config.json against what tokenizer.json does.

    Args:
        tokenizer: as tokenizer.json describes it.
        settings: as tokenizer_config.json does.

    Raises:
        ValueError: the two differ in what stands before or after a text, in a space before it, or in a token; or a
            setting is not known here.
    """
    encoded = tokenizer.encoding("a").tokens
    for switch, (name, place) in ENDS.items():
        if not settings.has(switch) or not settings.has(name):
            continue
        token, wanted = _token(settings, name), settings.flag(switch)
        if wanted != (encoded[place] == [token]):
            raise ValueError(
                f"{switch} is {shorten(wanted)}, but by tokenizer.json a text is {' '.join(encoded)}: "
                "change one of the two files"
            )
    _check_prefix_space(tokenizer, settings)
    for number, written in settings.nested("added_tokens_decoder").pairs():
        token = Fields(written).text("content") if isinstance(written, Mapping) else written
        if not isinstance(token, str) or str(tokenizer.backend.token_to_id(token)) != number:
            raise ValueError(f"added_tokens_decoder has {shorten(token)} as token {number}, tokenizer.json has not")
    refuse_unread(settings, without_effect=WITHOUT_EFFECT.__contains__, neutral=NEUTRAL, what="a tokenizer's tokens")


def _token(settings: Fields, name: str) -> object:
    written = settings.get(name)
    return written.get("content") if isinstance(written, Mapping) else written


def _check_prefix_space(tokenizer: Tokenizer, settings: Fields) -> None:
    if not settings.has("add_prefix_space"):
        return
    wanted, cut = settings.flag("add_prefix_space"), json.loads(tokenizer.backend.to_str())["pre_tokenizer"] or {}
    for one in cut.get("pretokenizers", [cut]):
        if one.get("add_prefix_space", wanted) != wanted:
            raise ValueError(
                f"add_prefix_space is {shorten(wanted)}, but in tokenizer.json it is "
                f"{shorten(one['add_prefix_space'])}: change one of the two files"
            )
