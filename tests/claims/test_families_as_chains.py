"""`lrgd verify --model` on a tiny checkpoint of every family: files on disk, read, and held against their duals."""

import math

import pytest
from support.tiny_checkpoints import PROMPT, TINY_CONFIGS, write_checkpoint

from lrgd_jax.claims.decoder_check import verify_decoder
from lrgd_jax.decoder import load_directory
from lrgd_jax.decoder.families import FAMILIES


def test_every_family_has_a_tiny_checkpoint():
    assert {family.name for family in FAMILIES} == set(TINY_CONFIGS)


@pytest.mark.parametrize("name", TINY_CONFIGS)
def test_it_is_read_as_it_was_written(tmp_path, name):
    write_checkpoint(tmp_path, name)
    config, params, tokenizer = load_directory(tmp_path)
    assert tokenizer is not None
    assert tokenizer.vocab_size == config.vocab_size == params.embedding.shape[0]
    assert len(params.layers) == config.layers


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY_CONFIGS)
def test_it_is_a_chain_of_duals(tmp_path, name):
    write_checkpoint(tmp_path, name)
    verdict = verify_decoder(tmp_path, PROMPT, steps=6)
    assert verdict.holds
    assert (verdict.demonstrations, len(verdict.greedy.tokens)) == (2, 6)
    assert math.isfinite(verdict.logits.tolerance)
