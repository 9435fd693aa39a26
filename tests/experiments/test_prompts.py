"""Prompts of the experiments on a decoder: their parts, and where they come from."""

import jax.numpy as jnp
import pytest

from lrgd_jax.decoder import load_directory
from lrgd_jax.experiments.shared.prompts import Prompt, pad_tokens, pair_prompts, prompts_of, story_prompt

PROMPT = Prompt((1,), ((5, 6), (7, 8, 9)), (2, 1), (10, 11), (12,))


def test_a_prompt_is_its_parts_in_order():
    assert PROMPT.tokens() == (1, 5, 6, 7, 8, 9, 10, 11, 12)
    assert PROMPT.tokens((1, 0)) == (1, 7, 8, 9, 5, 6, 10, 11, 12)
    assert PROMPT.tokens(()) == (1, 10, 11, 12)
    assert PROMPT.segments().tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3]
    assert pad_tokens(PROMPT.target, 3).tolist() == [12, 0, 0]


@pytest.fixture(scope="module")
def stories(shared_data):
    folder = shared_data / "stories260K"
    if not folder.is_dir():
        pytest.skip(f"no checkpoint at {folder}")
    return load_directory(folder)


def test_lines_and_pairs_become_prompts(stories, shared_data):
    lines = (shared_data / "prompts" / "stories.txt").read_text(encoding="utf-8").strip().split("\n")
    prompt = story_prompt(stories.tokenizer, stories.config, lines)
    assert prompt.first == (1,)
    assert len(prompt.demonstrations) == 3
    text = stories.tokenizer.decode(jnp.asarray(prompt.tokens()))
    assert "\n".join(lines[:3]) in text
    assert stories.tokenizer.decode(jnp.asarray(prompt.target)).strip()
    pairs = pair_prompts(stories.tokenizer, stories.config, 4, 3)
    assert len(set(pairs)) == 4
    for pair in pairs:
        told = [stories.tokenizer.decode(jnp.asarray(part)) for part in pair.demonstrations]
        assert all(" -> " in line for line in told)
        answers = [part[-k:] for part, k in zip(pair.demonstrations, pair.outputs, strict=True)]
        assert all("->" not in stories.tokenizer.decode(jnp.asarray(answer)) for answer in answers)
        assert "->" in stories.tokenizer.decode(jnp.asarray(pair.query))
    with pytest.raises(ValueError, match="too few for 12"):
        pair_prompts(stories.tokenizer, stories.config, 1, 12)


@pytest.mark.slow
def test_a_model_writes_its_own_prompts(stories):
    found = prompts_of(stories, "stories", 3, 2)
    assert len(set(found)) == 3
    assert found == prompts_of(stories, "stories", 3, 2)
    with pytest.raises(ValueError, match="fewer prompts"):
        prompts_of(stories, "stories", 1000, 2)
