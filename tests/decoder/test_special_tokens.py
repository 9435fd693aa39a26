"""Special tokens that files beside a tokenizer.json name, marked as AutoTokenizer marks them, or refused by name."""

import json

import pytest
import tokenizers
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from lrgd_jax.decoder.hugging_face_tokenizer import hugging_face_tokenizer

WORDS = {word: i for i, word in enumerate(["<unk>", "<s>", "<", "s", ">", " ", *"ab", "<x>", "<y>"])}
TEXT = "a<s>b <x> <y>a"
STRIPPED = {"content": "<x>", "lstrip": True, "rstrip": True, "single_word": False, "normalized": False}
SETTINGS, MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
FILES = {
    "nothing": {},
    "a token": {SETTINGS: {"bos_token": "<s>"}},
    "a token in the map": {MAP: {"bos_token": "<s>"}},
    "the map replaces": {SETTINGS: {"sep_token": "<x>"}, MAP: {"sep_token": STRIPPED, "bos_token": "<s>"}},
    "the map is not read": {SETTINGS: {"bos_token": "<s>", "added_tokens_decoder": {}}, MAP: {"sep_token": "<x>"}},
    "lists": {SETTINGS: {"additional_special_tokens": ["<x>", "<y>"]}},
    "lists in the map": {MAP: {"additional_special_tokens": ["<x>", "<y>"], "unk_token": "<unk>"}},
    "lists of two kinds": {SETTINGS: {"additional_special_tokens": ["<x>"], "extra_special_tokens": ["<y>"]}},
    "a record": {SETTINGS: {"extra_special_tokens": {"image_token": "<x>"}}},
    "nulls": {MAP: {"bos_token": None, "additional_special_tokens": []}},
    "a new token": {SETTINGS: {"pad_token": " <x> "}},
    "added tokens": {SETTINGS: {"bos_token": "<s>"}, ADDED: {"<s>": 1}},
}  # fmt: skip


def write(folder, files):
    backend = tokenizers.Tokenizer(WordLevel(WORDS, unk_token="<unk>"))
    backend.pre_tokenizer = Split("", "isolated")
    backend.save(str(folder / "tokenizer.json"))
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))


def ids(folder):
    tokenizer = hugging_face_tokenizer(folder, 20)
    assert tokenizer is not None
    return tokenizer.encode(TEXT).tolist()


def test_tokens_that_are_named_are_not_cut(tmp_path):
    write(tmp_path, FILES["nothing"])
    plain = ids(tmp_path)
    assert plain == [6, 2, 3, 4, 7, 5, 2, 0, 4, 5, 2, 0, 4, 6]
    for name, expected in (
        ("a token", [6, 1, 7, 5, 2, 0, 4, 5, 2, 0, 4, 6]),
        ("a token in the map", [6, 1, 7, 5, 2, 0, 4, 5, 2, 0, 4, 6]),
        ("the map replaces", [6, 1, 7, 8, 2, 0, 4, 6]),
        ("the map is not read", [6, 1, 7, 5, 2, 0, 4, 5, 2, 0, 4, 6]),
        ("lists", [6, 2, 3, 4, 7, 5, 8, 5, 9, 6]),
        ("nulls", plain),
    ):
        folder = tmp_path / name
        folder.mkdir()
        write(folder, FILES[name])
        assert ids(folder) == expected, name


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {MAP: {"add_bos_token": True}},
            r"map\.json: \"add_bos_token\" is true; expected names that end",
        ),
        ({MAP: {"bos_token": {"special": True}}}, r"special_tokens_map\.json: bos_token: expected a token, got true"),
        ({MAP: {"additional_special_tokens": [3]}}, r"map\.json: additional_special_tokens: expected a token, got 3"),
        ({MAP: []}, r"special_tokens_map\.json: expected an object"),
        ({SETTINGS: {"pad_token": {"content": 3}}}, r"tokenizer_config\.json: pad_token: expected a token"),
        ({ADDED: {"<s>": 7}}, r"added_tokens\.json has \"<s>\" as token 7, tokenizer\.json has not"),
        ({ADDED: {"<new>": 10}}, r"added_tokens\.json has \"<new>\" as token 10"),
    ],
)
def test_what_names_no_tokens_is_refused(tmp_path, files, message):
    write(tmp_path, files)
    with pytest.raises(ValueError, match=message):
        hugging_face_tokenizer(tmp_path, 20)


@pytest.mark.parity
@pytest.mark.parametrize("name", FILES)
def test_ids_are_those_of_auto_tokenizer(tmp_path, name):
    transformers = pytest.importorskip("transformers", reason="install the parity extra")
    write(tmp_path, FILES[name])
    theirs = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert ids(tmp_path) == theirs(TEXT)["input_ids"]
