"""Explanations of small decoders: the numbers are those of the parts that they are made of."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from decoder.helpers import TINY, decoder, within

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.decoder import LoadedDecoder, Tokenizer, generate
from lrgd_jax.effect.answer import own_answer, token_texts
from lrgd_jax.effect.explain import explain_prompt
from lrgd_jax.effect.methods import DEFAULT, METHODS
from lrgd_jax.effect.prompt import few_shot

from .test_prompt import words

CONFIG = replace(TINY, layers=1, eos=())


@pytest.fixture(scope="module")
def tiny():
    return LoadedDecoder(CONFIG, decoder(CONFIG), words(12))


@pytest.fixture(scope="module")
def prompt(tiny):
    return few_shot(tiny.tokenizer, tiny.config, ["ab", "cde"], "fg", "h")


@pytest.fixture(scope="module")
def found(tiny, prompt):
    return explain_prompt(tiny, prompt)


def test_the_losses_are_those_of_the_prompt_and_the_prompt_alone(tiny, prompt, found):
    """Both sides are programs of their own; the losses are means over the target of what the probabilities say."""
    loss = prompt.loss(tiny.params, tiny.config)
    for gate, told in ((0.0, found.zero_shot), (1.0, found.few_shot)):
        gates = jnp.full(2, gate)
        bound = adjoint_bound(lambda p, gates=gates: replace(loss, params=p)(gates), tiny.params, cuts="names").worst
        within(told, loss(gates), 2 * bound)
    # an exponential and a logarithm, each within an ulp
    within(found.few_shot, -np.log(found.target[0].few_shot), 4 * np.spacing(max(1.0, found.few_shot)))
    assert [one.token for one in found.target] == ["h"]
    assert not found.own
    assert len(found.alternatives) >= 4
    assert "h" not in [one.token for one in found.alternatives]
    assert found.relative == found.whole / found.zero_shot


def test_the_default_method_is_asked_for_its_parts(found):
    assert METHODS[DEFAULT].with_parts
    assert found.heads is not None
    assert found.heads.shape == (1, TINY.heads, 2)
    assert found.layers is not None
    assert found.layers.shape == (1, 2)
    assert (np.diff(found.scores.values[found.ranking]) <= 0).all()
    assert set(found.seconds) == {"probabilities", "scores"}


@pytest.mark.parametrize("method", sorted(name for name, method in METHODS.items() if method.with_parts))
def test_parts_come_with_the_method_of_that_name(tiny, prompt, method):
    with_parts = METHODS[method](prompt.loss(tiny.params, tiny.config), parts=True)
    named = METHODS[method](prompt.loss(tiny.params, tiny.config))
    assert (with_parts.method, with_parts.cost) == (named.method, named.cost)
    assert with_parts.parts is not None
    assert (np.sign(with_parts.values) == np.sign(named.values)).all()


def test_a_method_in_units_of_the_loss_has_a_sign():
    assert METHODS[DEFAULT].in_nats
    assert all(method.signed for method in METHODS.values() if method.in_nats)


def test_another_method_has_no_parts_but_the_same_ends(tiny, prompt, found):
    other = explain_prompt(tiny, prompt, method="leave-one-out")
    assert other.scores.method == "leave-one-out"
    assert other.layers is None
    assert (other.zero_shot, other.few_shot) == (found.zero_shot, found.few_shot)
    assert other.gap is not None


def test_without_a_target_the_models_own_answer_is_explained(tiny):
    prompt = few_shot(tiny.tokenizer, tiny.config, ["ab", "c"], "de")
    greedy = np.asarray(generate(tiny.params, tiny.config, jnp.asarray(prompt.tokens), 3))
    answered, empty = own_answer(tiny, prompt, 3)
    assert not empty
    assert answered.tokens.tolist() == [*prompt.tokens, *greedy]
    assert answered.target == (len(prompt.tokens), len(prompt.tokens) + 3)
    assert own_answer(tiny, prompt, 1)[0].tokens.tolist() == [*prompt.tokens, greedy[0]]
    # a token that ends a text ends the answer, and an answer of nothing else is that token
    ends = replace(tiny.config, eos=(int(greedy[1]),)) if greedy[1] != greedy[0] else None
    if ends is not None:
        assert own_answer(tiny._replace(config=ends), prompt, 3)[0].tokens.tolist() == [*prompt.tokens, greedy[0]]
    nothing = tiny._replace(config=replace(tiny.config, eos=(int(greedy[0]),)))
    answered, empty = own_answer(nothing, prompt, 3)
    assert empty
    assert answered.tokens.tolist() == [*prompt.tokens, greedy[0]]
    told = explain_prompt(nothing, prompt, method="rate-gradient", answer_tokens=3)
    assert told.own
    assert "the model's answer is empty" in told.notes[0]


def test_what_cannot_be_explained_is_named(tiny, prompt):
    with pytest.raises(ValueError, match=r"unknown method .magic.; expected one of .*leave-one-out"):
        explain_prompt(tiny, prompt, method="magic")
    with pytest.raises(ValueError, match="came without a tokenizer"):
        explain_prompt(tiny._replace(tokenizer=None), prompt)
    asked = few_shot(tiny.tokenizer, tiny.config, ["ab", "c"], "de")
    with pytest.raises(ValueError, match="at least one token, got 0"):
        own_answer(tiny, asked, 0)
    with pytest.raises(ValueError, match="the model's context holds 16"):
        own_answer(tiny, asked, 30)
    broken = tiny._replace(params=tiny.params.replace(final_norm=jnp.full_like(tiny.params.final_norm, jnp.nan)))
    with pytest.raises(ValueError, match="not finite on this prompt"):
        explain_prompt(broken, prompt, method="rate-gradient")


def test_query_and_target_that_meet_within_a_word_are_remarked(found):
    assert found.notes == ("query and target meet within a word: …fgh…",)


def test_the_text_of_tokens_has_their_blanks(shared_data):
    if not (shared_data / "stories260K").is_dir():
        pytest.skip("no checkpoint stories260K")
    import tokenizers

    backend = tokenizers.Tokenizer.from_file(str(shared_data / "stories260K" / "tokenizer.json"))
    ids = np.array(backend.encode("They saw a big red ball.\n").ids)
    texts = token_texts(Tokenizer(backend, 512), ids[:2], ids[2:])
    assert "".join(texts).endswith(" saw a big red ball.\n")
