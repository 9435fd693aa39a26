"""Templates, titles and prompts: what a model reads, which token belongs to whom, and what is refused."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.decoder import tiny_decoder
from lrgd_jax.language_recommender import (
    PromptTemplate,
    PromptWriter,
    TitledTransition,
    TitleTexts,
    TitleTrie,
    load_template,
    template_names,
)
from lrgd_jax.recommend.data.dataset import Catalogue

DECODER = tiny_decoder(context_length=256)


def the_tokenizer():
    assert DECODER.tokenizer is not None
    return DECODER.tokenizer


TOKENIZER = the_tokenizer()
CATALOGUE = Catalogue(tuple("abcd"), ("Atlas of Seas", "Lamp", "", "Tent"))


def writer(template: str = "log", **options: int) -> PromptWriter:
    titles = TitleTexts.of(CATALOGUE, TOKENIZER, longest=6)
    return PromptWriter(DECODER, titles, load_template(template), **options)


@pytest.mark.parametrize("name", [name for name in template_names() if name != "chat"])
def test_a_prompt_is_its_template_and_every_token_has_its_place(name):
    made = writer(name).prompt([0, 1], [TitledTransition([3], 1), TitledTransition([2, 0], 3)])
    template = load_template(name)
    # an item without a title is left out of a history, and a long title is cut
    assert made.demonstrations[1] == template.ask(["Atlas"]) + template.tell("Tent")
    assert made.query == template.ask(["Atlas", "Lamp"])
    assert made.counts().tolist() == [len(text.encode()) for text in made.demonstrations]
    assert TOKENIZER.decode(jnp.asarray(made.tokens)).endswith("".join(made.demonstrations) + made.query)
    zero = writer(name).zero_shot([2])
    assert zero.query == template.ask([])
    assert zero.segments.tolist() == sorted(zero.segments.tolist())


@pytest.mark.parametrize("name", ["log", "list", "sentence"])
def test_a_continuation_is_what_stands_behind_the_question(name):
    made = writer(name)
    prompt = made.prompt([0])
    answered = made.with_answer(prompt, 3)
    template = load_template(name)
    assert TOKENIZER.decode(jnp.asarray(answered.tokens)).endswith(template.ask(["Atlas"]) + template.tell("Tent"))
    assert answered.target == (len(prompt.tokens), len(answered.tokens))


def test_only_the_latest_titles_are_written():
    made = writer("log", history=1, told=1).prompt([0, 1], [TitledTransition([1, 3], 0)])
    assert "Lamp" in made.query
    assert "Atlas" not in made.query
    assert "Lamp" not in made.demonstrations[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            'question = "{history}:"\nanswer = " {title}"\njoinr = ","',
            "the field joinr is not known; did you mean joiner?",
        ),
        ('question = "{history}:"', "the field answer is missing"),
        ('question = "a:"\nanswer = " {title}"', "must hold {history} once"),
        ('question = "{history}: "\nanswer = "{title}"', "ends with a blank"),
        ('question = "{history}:"\nanswer = 3', "answer: expected a text, got 3"),
    ],
)
def test_a_wrong_template_is_refused_by_name(tmp_path, content, said):
    file = tmp_path / "own.toml"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"own.toml") as refused:
        load_template(str(file))
    assert said in str(refused.value)


def test_what_cannot_be_asked_is_refused():
    made = writer()
    with pytest.raises(ValueError, match="'c' has no title"):
        made.continuation(2)
    with pytest.raises(ValueError, match=r"no token <\|im_start\|>, so the model was made for no ChatML"):
        writer("chat").prompt([0])
    with pytest.raises(ValueError, match="context holds 256; give fewer or shorter demonstrations"):
        made.prompt([0], [TitledTransition([1], 3)] * 12)
    long = made.prompt([0], [TitledTransition([1], 3)] * 5)
    with pytest.raises(ValueError, match=f"{len(long.tokens)} tokens.*longest title 200.*context holds 256"):
        made.require_room(long, 200)
    with pytest.raises(ValueError, match="no item of the catalogue has a title"):
        TitleTexts.of(dataclasses.replace(CATALOGUE, titles=None), TOKENIZER)
    with pytest.raises(ValueError, match="at least one title"):
        TitleTrie([])
    with pytest.raises(ValueError, match="item 7 has no token"):
        TitleTrie([(7, [])])


def test_every_field_of_a_template_is_in_use():
    chat = PromptTemplate("I had {history}.", "{title}", chat=True, nothing="none", preamble="Recommend.")
    assert chat.ask([]) == "I had none."
    assert chat.completion("Tent") == "Tent<|im_end|>"
    assert chat.tail.startswith(".<|im_end|>")


def test_a_trie_holds_every_title_once():
    made = writer()
    trie = TitleTrie([(item, made.continuation(item)) for item in (0, 1, 3)])
    assert [trie.items(made.continuation(item)) for item in (0, 1, 3)] == [[0], [1], [3]]
    assert trie.longest == max(len(made.continuation(item)) for item in (0, 1, 3))
    assert trie.next([255, 255]) == []
    assert np.array_equal(trie.next([]), sorted({made.continuation(0)[0]}))
