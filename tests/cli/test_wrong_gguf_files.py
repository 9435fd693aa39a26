"""GGUF files that are damaged, or say what nobody computes here: refused by `lrgd model inspect`."""

import pytest
from decoder.test_gguf import WIDE, add, moved, write_gguf
from refusals import refusal


def inspection(file):
    return refusal(file.parent, "model", "inspect", file, "--no-weights", outputs=["--json"])


def displaced(file):
    moved(file, "blk.0.attn_k.weight", 32)


def overlapping(file):
    moved(file, "blk.0.attn_k.weight", -32)


def cut_off(file):
    file.write_bytes(file.read_bytes()[:3000])


def of_another_kind(file):
    file.write_bytes(b"GGML" + file.read_bytes()[4:])


def of_tensors_without_end(file):
    raw = file.read_bytes()
    file.write_bytes(raw[:8] + (2**60).to_bytes(8, "little") + raw[16:])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (displaced, "tensor blk.0.attn_k.weight begins at byte"),
        (overlapping, "tensor blk.0.attn_k.weight begins at byte"),
        (cut_off, "damaged, or not a GGUF file"),
        (of_another_kind, "damaged, or not a GGUF file"),
        (of_tensors_without_end, "it states 1152921504606846976 tensors"),
    ],
)
def test_a_damaged_file(tmp_path, damage, said):
    damage(write_gguf(tmp_path / "model.gguf"))
    assert said in inspection(tmp_path / "model.gguf")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"rope.scale_linear": 2.0, "rope.scaling.factor": 4.0}, "factor is 4.0 and llama.rope.scale_linear 2.0"),
        ({"rope.scaling.factor": -4.0}, "expected a positive number, got -4.0"),
        ({"rope.scaling.factor": float("nan")}, "llama.rope.scaling.factor: expected a finite number, got NaN"),
        ({"rope.scaling.factor": True}, "llama.rope.scaling.factor: expected a finite number, got true"),
        ({"rope.scaling.type": "mirror"}, "mirror"),
        ({"logit_scale": 0.5}, "llama.logit_scale is 0.5"),
        ({"logit_\x1b[2J": 0.5}, r"llama.logit_\x1b[2J is 0.5"),
        ({"vocab_size": 12}, "llama.vocab_size is 12, but the embedding has 13 rows"),
        ({"tokenizer.ggml.bos_token_id": "1"}, "bos_token_id: expected a whole number"),
    ],
)
def test_metadata_that_say_what_is_not_computed(tmp_path, keys, said):
    write_gguf(tmp_path / "model.gguf", change=add(keys))
    assert said in inspection(tmp_path / "model.gguf")


def test_layers_without_end(tmp_path):
    file = write_gguf(tmp_path / "model.gguf")
    raw, key = bytearray(file.read_bytes()), b"llama.block_count"
    at = raw.index(key) + len(key) + 4
    raw[at : at + 4] = (2**32 - 1).to_bytes(4, "little")
    file.write_bytes(raw)
    assert "llama.block_count: expected a whole number from 1 to 10000" in inspection(file)


def test_a_kind_of_model_that_is_not_read(tmp_path):
    write_gguf(tmp_path / "model.gguf", WIDE, architecture="mamba")
    assert "architecture 'mamba' is not read from GGUF" in inspection(tmp_path / "model.gguf")
