"""On a real checkpoint of 260,032 trained weights, beside the repository where there is one."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.decoder import apply, dual_chain, dual_layer, embed, generate, layer, load_directory

from .helpers import agree, within

BEGINNING = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park."


@pytest.fixture(scope="module")
def stories(shared_data):
    folder = shared_data / "stories260K"
    if not folder.is_dir():
        pytest.skip(f"no checkpoint at {folder}")
    return load_directory(folder, jnp.float64)


@pytest.fixture(scope="module")
def prompt(stories, shared_data):
    text = (shared_data / "prompts" / "stories.txt").read_text(encoding="utf-8")
    return stories.tokenizer.encode_prompt(text.rstrip("\n"), demonstrations=3)


def test_it_tells_a_story(stories):
    start = stories.tokenizer.encode("")
    assert start.tolist() == [stories.config.bos]
    told = generate(stories.params, stories.config, start, 60)
    assert stories.tokenizer.decode(told).strip().startswith(BEGINNING)


def test_its_tokenizer_splits_the_prompt_at_the_lines(stories, prompt, shared_data):
    ids, segments = prompt
    lines = (shared_data / "prompts" / "stories.txt").read_text(encoding="utf-8").splitlines()
    for segment, line in enumerate(lines):
        assert stories.tokenizer.decode(ids[segments == segment]).strip() == line


def test_the_chain_of_duals_gives_the_logits_and_the_greedy_tokens(stories, prompt):
    params, config = stories.params, stories.config
    ids, segments = prompt
    told = generate(params, config, ids, 100)
    tokens = jnp.concatenate([ids, told])
    segments = jnp.concatenate([segments, jnp.full(len(told), segments[-1])])

    def chain(p):
        return dual_chain(p, config, tokens, segments)

    ordinary, dual = jax.jit(partial(apply, config=config, tokens=tokens))(params), jax.jit(chain)(params)
    assert jnp.argmax(dual, axis=1)[len(ids) - 1 : -1].tolist() == told.tolist()
    assert jnp.isfinite(dual).all()
    assert (jnp.argmax(ordinary, axis=1) == jnp.argmax(dual, axis=1)).all()


def test_the_logits_agree_within_the_adjoint_bound(stories, prompt):
    params, config = stories.params, stories.config
    ids, segments = prompt[0][-24:], prompt[1][-24:] - 2
    sides = (lambda p: apply(p, config, ids), lambda p: dual_chain(p, config, ids, segments))
    last = jnp.arange(23 * config.vocab_size, 24 * config.vocab_size)
    bounds = [adjoint_bound(side, params, cuts="names", outputs=last).worst for side in sides]
    ordinary, dual = (jax.jit(side)(params)[-1] for side in sides)
    within(ordinary, dual, bounds[0] + bounds[1])


def test_each_layer_agrees_on_the_same_input(stories, prompt):
    params, config = stories.params, stories.config
    ids, segments = prompt[0][-24:], prompt[1][-24:] - 2
    x = embed(params, ids)
    for weights in params.layers:
        agree(partial(layer, weights, config), lambda x, w=weights: dual_layer(w, config, x, segments), x)
        x = layer(weights, config, x)
