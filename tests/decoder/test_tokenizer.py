import jax.numpy as jnp
import pytest
import tokenizers
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing

from lrgd_jax.decoder import Tokenizer, load_directory

from .helpers import write_llama


@pytest.fixture
def folder(tmp_path):
    words = {word: i for i, word in enumerate(["<unk>", "<s>", "\n", *"abcdé", "z"])}
    backend = tokenizers.Tokenizer(WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = Split("", "isolated")
    backend.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    backend.add_special_tokens(["<s>"])
    backend.save(str(tmp_path / "tokenizer.json"))
    return write_llama(tmp_path)


def tokenizer_of(folder) -> Tokenizer:
    tokenizer = load_directory(folder).tokenizer
    assert tokenizer is not None
    return tokenizer


def test_text_comes_back(folder):
    tokenizer = tokenizer_of(folder)
    ids = tokenizer.encode("abé")
    assert ids.tolist() == [1, 3, 4, 7]
    assert ids.dtype == jnp.int32
    assert tokenizer.decode(ids).replace(" ", "") == "abé"
    assert tokenizer.decode(ids, skip_special=False).startswith("<s>")


def test_a_prompt_is_split_where_its_characters_are(folder):
    ids, segments = tokenizer_of(folder).encode_prompt("é\né\nab", demonstrations=2)
    assert ids.tolist() == [1, 7, 2, 7, 2, 3, 4]
    assert segments.tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_a_token_that_the_decoder_lacks_is_named(folder):
    narrow = Tokenizer(tokenizer_of(folder).backend, 8)
    with pytest.raises(ValueError, match="gives token 8, but the decoder's vocabulary has 8 tokens"):
        narrow.encode("az")


def test_a_file_that_is_no_tokenizer_is_named(folder):
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer\.json: not a tokenizer"):
        load_directory(folder)
