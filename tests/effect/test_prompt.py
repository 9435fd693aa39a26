"""Prompts from demonstrations: every token belongs to the piece of text that it should."""

from dataclasses import replace

import numpy as np
import pytest
import tokenizers
from decoder.helpers import TINY
from tokenizers import decoders, models, pre_tokenizers, processors

from lrgd_jax.decoder.byte_level import byte_level_tokenizer
from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.effect.prompt import Prompt, few_shot
from lrgd_jax.effect.template import Template

PAIRS = [("a", "b"), ("cd", "ab")]
MARKS = ("<|im_start|>", "<|im_end|>")
LETTERS = sorted(pre_tokenizers.ByteLevel.alphabet())
WIDE = replace(TINY, vocab_size=len(LETTERS) + 8, context_length=400, eos=())


def made(*special, first=None, merges=()) -> Tokenizer:
    """Letters as tokens, with marks, what is merged, and perhaps a token before every text."""
    tokens = [*LETTERS, *special, *(merge.replace(" ", "") for merge in merges)]
    found = byte_level_tokenizer(tokens, merges, splitting="gpt-2", special=special, first=first)
    assert found is not None
    return found


def texts(tokenizer: Tokenizer, prompt: Prompt):
    """The text of each segment's tokens, and of the target's."""
    start, end = prompt.target or (len(prompt.tokens), len(prompt.tokens))
    pieces = [prompt.tokens[prompt.segments == s] for s in range(prompt.segments[-1] + 1)]
    pieces[-1] = pieces[-1][: len(pieces[-1]) - (end - start)]
    return [
        tokenizer.backend.decode(p.tolist(), skip_special_tokens=False) for p in [*pieces, prompt.tokens[start:end]]
    ]


def test_pairs_texts_and_their_target():
    tokenizer = made("<|endoftext|>")
    prompt = few_shot(tokenizer, WIDE, PAIRS, "x", "y z")
    assert texts(tokenizer, prompt) == [
        "<|endoftext|>",
        "Input: a\nOutput: b\n",
        "Input: cd\nOutput: ab\n",
        "Input: x\nOutput: ",
        "y z",
    ]
    assert prompt.always_seen == 1
    assert prompt.counts().tolist() == [19, 21]
    prompt = few_shot(tokenizer, WIDE, ["a", "b\n"], "c ", "d", preamble="Letters:")
    assert texts(tokenizer, prompt) == ["<|endoftext|>Letters:\n", "a\n", "b\n", "c ", "d"]


@pytest.mark.parametrize(
    ("special", "first", "bos", "begins"),
    [
        ((), None, None, None),
        (("<s>",), len(LETTERS), None, "<s>"),
        (("<s>",), None, len(LETTERS), "<s>"),
        (("<s>", "<|endoftext|>"), None, len(LETTERS), "<|endoftext|>"),
        (("<s>", "<|endoftext|>"), len(LETTERS), None, "<s>"),
    ],
)
def test_what_begins_the_text_is_always_seen(special, first, bos, begins):
    tokenizer = made(*special, first=first)
    prompt = few_shot(tokenizer, replace(WIDE, bos=bos), ["a", "b"], "c", "d")
    assert prompt.always_seen == (begins is not None)
    assert texts(tokenizer, prompt) == [*([begins] if begins else []), "a\n", "b\n", "c", "d"]


def test_a_token_of_both_belongs_to_the_target_and_blanks_wait_for_the_answer():
    tokenizer = made(merges=["Ġ y"])
    prompt = few_shot(tokenizer, WIDE, PAIRS, "x", "y")
    assert texts(tokenizer, prompt)[-2:] == ["Input: x\nOutput:", " y"]
    # without a target the blank is left to the model
    asked = few_shot(tokenizer, WIDE, PAIRS, "x")
    assert asked.target is None
    answered = asked.with_answer(prompt.tokens[-1:], " y")
    assert answered.tokens.tolist() == prompt.tokens.tolist()
    assert answered.segments.tolist() == prompt.segments.tolist()
    assert answered.target == prompt.target


def test_every_choice_of_turns_is_a_chat():
    tokenizer = made(*MARKS)
    head, one, two, query, answer = texts(tokenizer, few_shot(tokenizer, WIDE, PAIRS, "x", "y", chat=True))
    asked = "<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n"
    assert (head + query, answer) == (asked, "y")
    assert head + two + query == "<|im_start|>user\ncd<|im_end|>\n<|im_start|>assistant\nab<|im_end|>\n" + asked
    assert one.startswith("user\na<|im_end|>")
    said = texts(tokenizer, few_shot(tokenizer, WIDE, ["a", "b"], "x", chat=True, preamble="Be brief."))
    assert "".join(said) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\na\nb\nx<|im_end|>\n<|im_start|>assistant\n"
    )
    assert said[1:3] == ["a\n", "b\n"]


def test_special_tokens_that_end_a_text_are_left_out():
    tokenizer = made("<s>", "</s>")
    tokenizer.backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", len(LETTERS)), ("</s>", len(LETTERS) + 1)]
    )
    assert texts(tokenizer, few_shot(tokenizer, WIDE, ["a"], "b", "c")) == ["<s>", "a\n", "b", "c"]


def test_a_template():
    template = Template("Q: {input} {x}\nA: {output}!\n")
    assert template.demonstration("{output}", "2") == "Q: {output} {x}\nA: 2!\n"
    assert template.query("1") == "Q: 1 {x}\nA: "
    for text, message in (
        ("Q: {input}", "must hold {output} once, but holds it 0 times"),
        ("{output}", "must hold {input} once"),
        ("{input}{input}{output}", "holds it 2 times"),
        ("{output}{input}", "before {input}"),
    ):
        with pytest.raises(ValueError, match=message):
            Template(text)


def words(n: int) -> Tokenizer:
    """Single letters, of which one is unknown."""
    backend = tokenizers.Tokenizer(
        models.WordLevel({"[U]": 0, **{chr(97 + k): k + 1 for k in range(n)}}, unk_token="[U]")
    )
    backend.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    backend.decoder = decoders.Fuse()
    return Tokenizer(backend, TINY.vocab_size)


def joined() -> Tokenizer:
    """One token for the whole text."""
    backend = tokenizers.Tokenizer(models.WordLevel({"[U]": 0, **{str(k): k for k in range(1, 12)}}, unk_token="[U]"))
    return Tokenizer(backend, TINY.vocab_size)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"demonstrations": []}, "there is no demonstration"),
        ({"demonstrations": ["a", ("b", "c")]}, "some demonstrations are texts and others pairs"),
        ({"query": " "}, "the query is empty"),
        ({"target": ""}, "the target is empty"),
        ({"target": " \n"}, "the target is empty"),
        ({"template": Template()}, "a template is for pairs .* are whole texts"),
        ({"demonstrations": PAIRS, "template": Template(), "chat": True}, "a template is for pairs .* turns of a chat"),
        ({"chat": True}, r"no token <\|im_start\|>, so the model was made for no ChatML"),
        ({"tokenizer": words(3)}, "the tokenizer knows 4 tokens, but the decoder's vocabulary has 13"),
        ({"tokenizer": words(26), "target": "z"}, "gives token 26, but the decoder's vocabulary has 13"),
        ({"tokenizer": joined()}, "demonstration 1 has no token of its own: one token holds it together"),
        ({"target": "b" * 20}, "the prompt has 7 tokens and the target 20, but the model's context holds 16"),
        ({"query": "b" * 20, "target": None}, "the prompt has 24 tokens, but the model's context holds 16"),
    ],
)
def test_what_makes_no_prompt_is_named(change, message):
    given = {"tokenizer": words(12), "demonstrations": ["a", "b"], "query": "abc", "target": "b"} | change
    with pytest.raises(ValueError, match=message):
        few_shot(config=TINY, **given)


def test_a_prompt_without_a_target_has_no_loss():
    prompt = few_shot(words(12), TINY, ["a", "b"], "abc")
    with pytest.raises(ValueError, match="no target"):
        prompt.loss(None, TINY)  # pyright: ignore[reportArgumentType]
    assert np.bincount(prompt.segments).tolist() == [2, 2, 3]


def test_characters_of_several_bytes_stay_in_their_piece():
    tokenizer = made("<|endoftext|>")
    prompt = few_shot(tokenizer, WIDE, ["naïve 😀", "日本\u2028"], "é😀", "😀é")
    assert texts(tokenizer, prompt) == ["<|endoftext|>", "naïve 😀\n", "日本\u2028\n", "é😀", "😀é"]
