"""MXFP4 in safetensors: what is packed is what the experts of a GPT-OSS are, and what does not fit is named."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support.tiny_checkpoints import write_checkpoint

from lrgd_jax.decoder import load_directory
from lrgd_jax.decoder.layer_weights import MixtureOfExperts
from lrgd_jax.decoder.mxfp4 import unpack

EXPERTS = "model.layers.0.mlp.experts."
SIZES = {"hidden_size": 32, "intermediate_size": 64}


def meaning(bits: int) -> float:
    """Of four bits, by the format's definition: a sign, two bits of an exponent with bias 1, one of a fraction."""
    sign, exponent, fraction = bits >> 3, bits >> 1 & 3, bits & 1
    size = fraction / 2 if exponent == 0 else 2.0 ** (exponent - 1) * (1 + fraction / 2)
    return -size if sign else size


@pytest.fixture
def packed(tmp_path):
    """A tiny GPT-OSS of which the first layer's experts are packed, and the bytes."""
    write_checkpoint(tmp_path, "gpt_oss", SIZES | {"quantization_config": {"quant_method": "mxfp4"}})
    tensors, rng = load_file(tmp_path / "model.safetensors"), np.random.default_rng(0)
    for name, outputs, inputs in (("gate_up_proj", 128, 32), ("down_proj", 32, 64)):
        del tensors[EXPERTS + name]
        tensors[f"{EXPERTS}{name}_blocks"] = rng.integers(0, 256, (3, outputs, inputs // 32, 16), np.uint8)
        tensors[f"{EXPERTS}{name}_scales"] = rng.integers(100, 140, (3, outputs, inputs // 32), np.uint8)
    save_file(tensors, tmp_path / "model.safetensors")
    return tmp_path, tensors


def test_every_byte_is_what_the_format_says():
    blocks = np.arange(256, dtype=np.uint8).reshape(16, 16)
    scales = np.arange(119, 135, dtype=np.uint8)
    expected = [
        [meaning(bits) * 2.0 ** (int(scale) - 127) for byte in row for bits in (byte & 15, byte >> 4)]
        for row, scale in zip(blocks.tolist(), scales, strict=True)
    ]
    assert unpack(blocks, scales).tolist() == expected


def test_packed_experts_are_read(packed):
    folder, tensors = packed
    config, params, _ = load_directory(folder)
    mixture = params.layers[0].feed_forward
    assert isinstance(mixture, MixtureOfExperts)
    for e, expert in enumerate(mixture.experts):
        both, down = (
            unpack(tensors[f"{EXPERTS}{name}_blocks"][e], tensors[f"{EXPERTS}{name}_scales"][e])
            for name in ("gate_up_proj", "down_proj")
        )
        # rows of gate and up in turn, as [outputs, inputs]
        assert (np.asarray(expert.gate) == both.reshape(128, 32)[0::2]).all()
        assert (np.asarray(expert.up) == both.reshape(128, 32)[1::2]).all()
        assert (np.asarray(expert.down) == down.reshape(32, 64)).all()
    assert config.experts == 3


CHANGES = {
    "no scales": (("gate_up_proj_scales", None), r"gate_up_proj_blocks has no .*gate_up_proj_scales in the same file"),
    "no blocks": (("down_proj_blocks", None), r"down_proj_scales has no .*down_proj_blocks"),
    "other scales": (
        ("down_proj_scales", np.ones((3, 32, 1), np.uint8)),
        r"got U8 \[3, 32, 2, 16\] and U8 \[3, 32, 1\]",
    ),
    "no bytes": (("down_proj_scales", np.ones((3, 32, 2), np.float32)), "must be bytes .* and F32"),
    "no number": (("down_proj_scales", np.full((3, 32, 2), 255, np.uint8)), "a scale of 255 means no number"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_what_does_not_fit_is_named(packed, change, message):
    folder, tensors = packed
    name, instead = change
    kept = {key: x for key, x in tensors.items() if key != EXPERTS + name}
    save_file(kept if instead is None else kept | {EXPERTS + name: instead}, folder / "model.safetensors")
    with pytest.raises(ValueError, match=message):
        load_directory(folder)
