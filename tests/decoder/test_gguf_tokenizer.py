"""The tokenizers in a GGUF file's metadata: byte-level BPE and SentencePiece, with llama.cpp's defaults."""

import json

import pytest
import tokenizers
from tokenizers import pre_tokenizers

from lrgd_jax.decoder.byte_level import SPLITTINGS, byte_level_tokenizer
from lrgd_jax.decoder.fields import Fields
from lrgd_jax.decoder.gguf_tokenizer import gguf_tokenizer

LETTERS = sorted(pre_tokenizers.ByteLevel.alphabet())
TOKENS = ["<s>", "</s>", *LETTERS, "he", "hel", "lo", "hello"]
BYTES = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": TOKENS,
    "tokenizer.ggml.token_type": [3, 3, *[1] * (len(TOKENS) - 2)],
    "tokenizer.ggml.merges": ["h e", "l o"],
    "tokenizer.ggml.bos_token_id": 0,
    "tokenizer.ggml.eos_token_id": 1,
}
GRIMM = "Once upon a time, Größe — \n  3 bears and 𝔘nicode: 10 ▁ <s>"


def read_any(metadata, **changes):
    whole = metadata | {f"tokenizer.ggml.{key}": value for key, value in changes.items()}
    return gguf_tokenizer(Fields(whole), len(whole["tokenizer.ggml.tokens"]))


def read(metadata, **changes):
    tokenizer = read_any(metadata, **changes)
    assert tokenizer is not None
    return tokenizer


def pieces(tokenizer, text):
    return tokenizer.backend.encode(text).tokens


@pytest.mark.parametrize("splitting", SPLITTINGS)
def test_whether_a_text_begins_with_the_first_token(splitting):
    """llama.cpp puts it there for Llama 3 and Tekken, unless the file says otherwise."""
    begins = splitting in ("llama-bpe", "llama3", "llama-v3", "tekken")
    assert (pieces(read(BYTES, pre=splitting), "hi")[0] == "<s>") is begins
    assert pieces(read(BYTES, pre=splitting, add_bos_token=True), "hi") == ["<s>", "h", "i"]
    assert pieces(read(BYTES, pre=splitting, add_bos_token=False), "hi") == ["h", "i"]


def test_whether_a_text_ends_with_the_last_token():
    assert pieces(read(BYTES, add_eos_token=True), "hi") == ["h", "i", "</s>"]
    assert pieces(read(BYTES, add_bos_token=True, add_eos_token=True), "hi") == ["<s>", "h", "i", "</s>"]


def test_only_llama_3_and_tekken_take_a_word_whole():
    assert pieces(read(BYTES, pre="llama-bpe"), "hello") == ["<s>", "hello"]
    assert pieces(read(BYTES, pre="qwen2"), "hello") == ["he", "l", "lo"]


@pytest.mark.parametrize(
    ("splitting", "cut"),
    [
        ("gpt-2", ["HTMLParser", "Ġis", "Ġ1234", "'s"]),
        ("smollm", ["HTMLParser", "Ġis", "Ġ", "1", "2", "3", "4", "'s"]),
        ("llama3", ["HTMLParser", "Ġis", "Ġ", "123", "4", "'s"]),
        ("qwen2", ["HTMLParser", "Ġis", "Ġ", "1", "2", "3", "4", "'s"]),
        ("tekken", ["HTMLParser", "Ġis", "Ġ", "1", "2", "3", "4", "'s"]),
    ],
)
def test_a_text_is_cut_as_the_makers_do(splitting, cut):
    tokenizer = byte_level_tokenizer(LETTERS, [], splitting=splitting)
    assert tokenizer is not None
    assert tokenizer.backend.pre_tokenizer is not None
    assert [piece for piece, _ in tokenizer.backend.pre_tokenizer.pre_tokenize_str("HTMLParser is 1234's")] == cut


def test_tekken_tells_capitals_from_small_letters():
    tokenizer = byte_level_tokenizer(LETTERS, [], splitting="tekken")
    assert tokenizer is not None
    assert tokenizer.backend.pre_tokenizer is not None
    assert [piece for piece, _ in tokenizer.backend.pre_tokenizer.pre_tokenize_str("camelCase a/b/")] == [
        "camel",
        "Case",
        "Ġa",
        "/b",
        "/",
    ]


def test_qwen_composes_letters():
    apart, composed = "e\N{COMBINING ACUTE ACCENT}", "é"
    assert pieces(read(BYTES, pre="qwen2"), apart) == pieces(read(BYTES, pre="qwen2"), composed)
    assert pieces(read(BYTES, pre="smollm"), apart) != pieces(read(BYTES, pre="smollm"), composed)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"merges": ["h e", "hello"]}, "the merge 'hello' is not two tokens"),
        ({"merges": ["h x"]}, "the merge 'h x' is not two tokens of the vocabulary that make a third"),
        ({"tokens": [*TOKENS[:-1], "he"]}, "the token 'he' is in the vocabulary twice"),
        ({"token_type": [3]}, "token_type has 1 entries for 262 tokens"),
        ({"add_bos_token": True, "bos_token_id": 262}, "bos_token_id is 262, but there are 262 tokens"),
        ({"add_bos_token": 1}, "add_bos_token: expected true or false, got 1"),
        ({"add_space_prefix": True}, "a byte-level BPE puts no space before a text"),
        ({"merges": [1]}, "merges: expected a list of texts"),
        ({"model": "llama"}, "pre is 'smollm', but SentencePiece cuts no text beforehand"),
        ({"model": "llama", "pre": "default", "scores": [0.0]}, "scores has 1 entries for 262 tokens"),
        ({"model": "llama", "pre": "default", "scores": [float("nan")] * 262}, "scores: expected a list of finite"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        read(BYTES, **changes)


@pytest.mark.parametrize("changes", [{"model": "bert"}, {"model": "t5"}, {"pre": "default"}, {"pre": "dbrx"}])
def test_another_tokenizer_is_not_guessed(changes):
    assert read_any(BYTES, **changes) is None


@pytest.fixture(scope="module")
def llama2(shared_data):
    """The tokenizer of a checkpoint, and the same as a GGUF file's metadata hold it."""
    file = shared_data / "stories260K" / "tokenizer.json"
    if not file.is_file():
        pytest.skip(f"no tokenizer at {file}")
    vocabulary = json.loads(file.read_text(encoding="utf-8"))["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    metadata = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        # as SentencePiece trains them: the later a token was merged, the lower its score
        "tokenizer.ggml.scores": [-float(max(0, i - 259)) for i in range(len(tokens))],
        "tokenizer.ggml.token_type": [2, 3, 3, *[6] * 256, *[1] * (len(tokens) - 259)],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }
    return tokenizers.Tokenizer.from_file(str(file)), metadata


@pytest.mark.parametrize("text", [GRIMM, "", " ", "  two", "Lily, she", "a\tb\r\n", "</s> and <unk>"])
def test_sentence_piece_is_read_as_the_converted_tokenizer(llama2, text):
    backend, metadata = llama2
    tokenizer = read(metadata)
    ids = backend.encode(text).ids
    assert tokenizer.encode(text).tolist() == ids
    assert tokenizer.decode(tokenizer.encode(text)) == backend.decode(ids)


def test_sentence_piece_without_a_space_before_the_text(llama2):
    """As Gemma has it."""
    tokenizer = read(llama2[1], add_space_prefix=False)
    assert pieces(tokenizer, "to the") == ["<s>", "t", "o", "▁the"]
    assert tokenizer.decode(tokenizer.encode(" to")) == " to"


def test_added_tokens_are_never_cut(llama2):
    _, metadata = llama2
    types = list(metadata["tokenizer.ggml.token_type"])
    types[265] = 4
    assert "▁the" in pieces(read(metadata, token_type=types, add_space_prefix=False), "to theatre")
