import json

import jax.numpy as jnp
import pytest
import tokenizers
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing

from lrgd_jax.decoder import Tokenizer, load_directory
from lrgd_jax.decoder.tokenizer import load_tokenizer

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


def change_file(file, **changes):
    written = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.write_text(json.dumps(written | changes), encoding="utf-8")


CUT = {
    "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
    "padding": {
        "strategy": {"Fixed": 8},
        "direction": "Left",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "<unk>",
    },
}


@pytest.mark.parametrize("saved", [*CUT, "both"])
def test_truncation_and_padding_that_were_saved_are_reset_at_every_call(folder, saved):
    plain = tokenizer_of(folder)
    texts = ["abéab", "a", "é\né\nab"]
    expected = [plain.encode(text).tolist() for text in texts]
    change_file(folder / "tokenizer.json", **(CUT if saved == "both" else {saved: CUT[saved]}))
    tokenizer = tokenizer_of(folder)
    assert tokenizer.backend.truncation or tokenizer.backend.padding
    assert [tokenizer.encode(text).tolist() for text in texts] == expected
    tokenizer.backend.enable_truncation(2)
    tokenizer.backend.enable_padding(length=9)
    assert [tokenizer.encode(text).tolist() for text in texts] == expected
    assert tokenizer.encode_prompt(texts[2])[0].tolist() == expected[2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"use_glue": True}, "use_glue is true: what that means for the numbers of a tokenizer's tokens"),
        ({"split_special_tokens": True}, "split_special_tokens is true"),
        ({"add_bos_token": False, "bos_token": "<s>"}, "add_bos_token is false, but by tokenizer.json a text is <s> a"),
        ({"add_eos_token": True, "eos_token": {"content": "</s>"}}, "add_eos_token is true, but by tokenizer.json"),
        ({"add_bos_token": "true", "bos_token": "<s>"}, "add_bos_token: expected true or false"),
        ({"added_tokens_decoder": {"4": {"content": "<pad>"}}}, 'has "<pad>" as token 4, tokenizer.json has not'),
        ({"added_tokens_decoder": {"2": {"content": "<s>"}}}, 'has "<s>" as token 2, tokenizer.json has not'),
        ({"added_tokens_decoder": 3}, "added_tokens_decoder: expected an object"),
    ],
)
def test_settings_that_ask_for_something_else_are_refused(folder, settings, message):
    change_file(folder / "tokenizer_config.json", **settings)
    with pytest.raises(ValueError, match=message) as error:
        tokenizer_of(folder)
    assert str(error.value).startswith(str(folder / "tokenizer_config.json"))


def test_a_space_before_a_text_is_the_same_in_both_files(folder):
    change_file(
        folder / "tokenizer.json",
        pre_tokenizer={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    )
    change_file(folder / "tokenizer_config.json", add_prefix_space=True)
    tokenizer_of(folder)
    change_file(
        folder / "tokenizer.json",
        pre_tokenizer={"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    )
    with pytest.raises(ValueError, match=r"add_prefix_space is true, but in tokenizer\.json it is false"):
        tokenizer_of(folder)


def test_settings_as_people_have_them_are_read(folder):
    settings = {
        "add_bos_token": True,
        "bos_token": {"content": "<s>", "special": True},
        "add_eos_token": False,
        "eos_token": "</s>",
        "added_tokens_decoder": {"1": {"content": "<s>", "special": True}},
        "chat_template": "{{ messages }}",
        "legacy": False,
        "model_max_length": 1e30,
        "tokenizer_class": "LlamaTokenizer",
        "unk_token": "<unk>",
    }
    change_file(folder / "tokenizer_config.json", **settings)
    assert tokenizer_of(folder).encode("a").tolist() == [1, 3]


def test_tokens_that_end_a_text_are_those_of_the_generation_settings(folder):
    change_file(folder / "config.json", eos_token_id=1)
    assert load_directory(folder).config.eos == (1,)
    change_file(folder / "generation_config.json", do_sample=True)
    assert load_directory(folder).config.eos == (1,)
    change_file(folder / "generation_config.json", eos_token_id=[2, 3])
    assert load_directory(folder).config.eos == (2, 3)
    change_file(folder / "generation_config.json", eos_token_id="</s>")
    with pytest.raises(ValueError, match=r"generation_config\.json: eos_token_id: expected a whole number"):
        load_directory(folder)


def test_a_tokenizer_that_draws_lots_is_refused(folder):
    letters = tokenizers.Tokenizer(tokenizers.models.BPE({"a": 0}, [], dropout=0.1))
    letters.save(str(folder / "tokenizer.json"))
    with pytest.raises(ValueError, match=r"model\.dropout is 0\.1"):
        load_directory(folder)


def test_a_file_that_is_no_tokenizer_is_named(folder):
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer\.json: not a tokenizer"):
        load_directory(folder)


def test_an_id_below_which_nobody_could_count_is_refused_before_the_library_does(tmp_path):
    written = {"model": {"type": "WordLevel", "vocab": {"<unk>": 0, "a": 2**31}, "unk_token": "<unk>"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(written))
    with pytest.raises(ValueError, match=r"tokenizer\.json: a number in it is beyond 16777216; expected ids"):
        load_tokenizer(tmp_path / "tokenizer.json", 4)
