"""GGUF: header, metadata and tensors of tiny Llamas, with a byte-level and a SentencePiece tokenizer."""

import copy
import struct
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from benchmarks.fuzzing.byte_mutations import LENGTHS, mutate_bytes
from benchmarks.fuzzing.json_mutations import STRANGE, mutate_value
from benchmarks.fuzzing.plain_readers import GGUF_NUMBERS, LIST, TEXT, PlainGguf
from benchmarks.fuzzing.target import Target
from lrgd_jax.decoder.gguf import read_gguf
from lrgd_jax.decoder.layer_weights import FeedForwardWeights
from lrgd_jax.decoder.params import DecoderParams

WHOLE, REAL, FLAG = 4, 6, 7
SHAPES = {
    "token_embd": (12, 4), "output_norm": (4,), "blk.0.attn_norm": (4,), "blk.0.ffn_norm": (4,), "blk.0.attn_q": (4, 4),
    "blk.0.attn_k": (2, 4), "blk.0.attn_v": (2, 4), "blk.0.attn_output": (4, 4), "blk.0.ffn_gate": (3, 4),
    "blk.0.ffn_up": (3, 4), "blk.0.ffn_down": (4, 3),
}  # fmt: skip
SIZES = {
    "block_count": 1, "context_length": 8, "embedding_length": 4, "feed_forward_length": 3, "attention.head_count": 2,
    "attention.head_count_kv": 1,
}  # fmt: skip
LETTERS = list("abcdefgh")


class Parts(NamedTuple):
    """A file in parts.

    Attributes:
        metadata: key, type and value.
        tensors: name, kind and numbers.
    """

    metadata: list[tuple[str, int, Any]]
    tensors: list[tuple[str, int, np.ndarray]]


def _parts(kind: int, model: str) -> Parts:
    rng = np.random.default_rng(0)
    tensors = [
        (f"{name}.weight", kind, rng.standard_normal(shape).astype("<f2" if kind else "<f4"))
        for name, shape in SHAPES.items()
    ]
    metadata = [
        ("general.architecture", TEXT, "llama"),
        *((f"llama.{name}", WHOLE, size) for name, size in SIZES.items()),
        ("llama.attention.layer_norm_rms_epsilon", REAL, 0.5**17),
        ("llama.rope.freq_base", REAL, 10_000.0),
    ]
    if model == "gpt2":
        metadata += [
            ("tokenizer.ggml.model", TEXT, "gpt2"),
            ("tokenizer.ggml.pre", TEXT, "smollm"),
            ("tokenizer.ggml.tokens", LIST, (TEXT, ["<s>", "</s>", *LETTERS, "ab", "cd"])),
            ("tokenizer.ggml.token_type", LIST, (5, [3, 3, *[1] * 10])),
            ("tokenizer.ggml.merges", LIST, (TEXT, ["a b", "c d"])),
            ("tokenizer.ggml.bos_token_id", WHOLE, 0),
            ("tokenizer.ggml.add_bos_token", FLAG, True),
        ]
    if model == "llama":
        metadata += [
            ("tokenizer.ggml.model", TEXT, "llama"),
            ("tokenizer.ggml.tokens", LIST, (TEXT, ["<unk>", "<s>", *LETTERS, "ab", "▁"])),
            ("tokenizer.ggml.scores", LIST, (REAL, [0.0, 0.0, *range(10)])),
            ("tokenizer.ggml.token_type", LIST, (5, [2, 3, *[1] * 10])),
            ("tokenizer.ggml.bos_token_id", WHOLE, 1),
            ("tokenizer.ggml.eos_token_id", WHOLE, 1),
        ]
    return Parts(metadata, tensors)


FILES = tuple(_parts(kind, model) for kind, model in ((0, ""), (0, "gpt2"), (1, "gpt2"), (0, "llama")))


def write(parts: Parts, *, counts: tuple[int, int] | None = None, alignment: int = 32) -> bytes:
    """The file; `counts` of tensors and keys as they are unless given."""
    tensors, keys = counts or (len(parts.tensors), len(parts.metadata))
    header = b"GGUF" + struct.pack("<IQQ", 3, tensors, keys)
    for key, kind, value in parts.metadata:
        header += _text(key) + struct.pack("<I", kind) + _value(kind, value)
    data = b""
    for name, kind, values in parts.tensors:
        header += _text(name) + struct.pack("<I", values.ndim)
        header += b"".join(struct.pack("<Q", size) for size in values.shape[::-1])
        header += struct.pack("<IQ", kind, len(data))
        data += values.tobytes()
        data += b"\0" * (-len(data) % alignment)
    return header + b"\0" * (-len(header) % alignment) + data


def _text(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(raw)) + raw


def _value(kind: int, value: Any) -> bytes:
    if kind == TEXT:
        return _text(str(value))
    if kind == LIST:
        inner, entries = value if isinstance(value, tuple) else (TEXT, [value])
        return struct.pack("<IQ", inner, len(entries)) + b"".join(_value(inner, entry) for entry in entries)
    form = GGUF_NUMBERS.get(kind, "<Q")
    try:
        return struct.pack(form, value if form in ("<f", "<d", "<?") else int(value))
    except (struct.error, TypeError, ValueError, OverflowError):
        return b"\xff" * struct.calcsize(form)


def mutate_metadata(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A key with another value or type, one that is gone, twice, or renamed."""
    del content, others
    parts = copy.deepcopy(random.choice(FILES))
    at = random.randrange(len(parts.metadata))
    key, kind, value = parts.metadata[at]
    change = random.randrange(7)
    if change == 0:
        parts.metadata[at] = key, kind, random.choice((*LENGTHS, -1, 0.5, -0.5, float("nan"), float("inf"), "text"))
    elif change == 1:
        other = random.choice((*GGUF_NUMBERS, TEXT, LIST, 13, 99))
        parts.metadata[at] = key, other, (random.choice((4, 6, 8)), [1, 2]) if other == LIST else 3
    elif change == 2:
        del parts.metadata[at]
    elif change == 3:
        parts.metadata.append(random.choice(parts.metadata))
    elif change == 4:
        parts.metadata[at] = (
            random.choice((key + "x", random.choice(parts.metadata)[0], "llama.rope.scaling.factor")),
            kind,
            value,
        )
    elif change == 5 and kind == LIST:
        changed = mutate_value(random, value[1], [LETTERS, [1, 2, 3], [*STRANGE]])
        parts.metadata[at] = key, kind, (value[0], changed if isinstance(changed, list) else [changed])
    else:
        parts.metadata.append(
            (random.choice(EXTRA), random.choice((WHOLE, REAL, TEXT, FLAG)), random.choice((0, 1, 2, "yarn")))
        )
    return write(parts)


EXTRA = (
    *(f"llama.rope.{name}" for name in ("scaling.factor", "scaling.type", "scale_linear", "dimension_count")),
    *(f"llama.attention.{name}" for name in ("key_length", "value_length", "causal")),
    *(f"llama.{name}" for name in ("vocab_size", "expert_count", "glue")),
    *(f"tokenizer.ggml.{name}" for name in ("eot_token_id", "padding_token_id")),
    "general.alignment",
    "split.count",
)


def mutate_tensors(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A tensor of another shape, type or number, one that is gone or there twice, or another count or alignment."""
    del content, others
    parts = copy.deepcopy(random.choice(FILES))
    at = random.randrange(len(parts.tensors))
    name, kind, values = parts.tensors[at]
    change = random.randrange(7)
    if change == 0:
        parts.tensors[at] = name, kind, values.reshape(random.choice((values.shape[::-1], (-1,), (1, *values.shape))))
    elif change == 1:
        parts.tensors[at] = name, random.choice((0, 1, 2, 3, 8, 12, 24, 28, 30, 39, 99)), values
    elif change == 2:
        values.reshape(-1)[0] = random.choice((np.nan, np.inf, -np.inf, 6e4, 0.0))
    elif change == 3:
        del parts.tensors[at]
    elif change == 4:
        parts.tensors.append(random.choice(parts.tensors))
    elif change == 5:
        parts.tensors[at] = (
            random.choice(("rope_freqs.weight", "output.weight", name.replace("weight", "bias"))),
            kind,
            values,
        )
    else:
        count = random.choice((len(parts.tensors), len(parts.metadata), *LENGTHS))
        return write(
            parts,
            counts=random.choice(((count, len(parts.metadata)), (len(parts.tensors), count))),
            alignment=random.choice((32, 1, 64)),
        )
    return write(parts)


def _mutate(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    return random.choice((mutate_bytes, mutate_metadata, mutate_tensors))(random, content, others)


def _weights(params: DecoderParams) -> dict[str, np.ndarray]:
    """The weights as the file has them: rows of outputs, those of all heads below each other."""
    (layer,) = params.layers
    heads, block = layer.heads, layer.feed_forward
    assert isinstance(block, FeedForwardWeights)  # noqa: S101 (every Llama of GGUF has a gated block)
    rows = {name: np.concatenate(np.swapaxes(getattr(heads, name), 1, 2)) for name in ("query", "key", "value")}
    weights = {
        "token_embd": params.embedding,
        "output_norm": params.final_norm,
        "output": params.head,
        "blk.0.attn_norm": layer.attention_norm,
        "blk.0.ffn_norm": layer.feed_forward_norm,
        "blk.0.attn_q": rows["query"],
        "blk.0.attn_k": rows["key"],
        "blk.0.attn_v": rows["value"],
        "blk.0.attn_output": np.concatenate(np.asarray(heads.output)).T,
        "blk.0.ffn_gate": block.gate,
        "blk.0.ffn_up": block.up,
        "blk.0.ffn_down": block.down,
    }
    biases = {
        "blk.0.attn_q": heads.query_bias,
        "blk.0.attn_k": heads.key_bias,
        "blk.0.attn_v": heads.value_bias,
        "blk.0.attn_output": heads.output_bias,
        "blk.0.ffn_gate": block.gate_bias,
        "blk.0.ffn_up": block.up_bias,
        "blk.0.ffn_down": block.down_bias,
    }
    named = {f"{stem}.weight": weight for stem, weight in weights.items()}
    named |= {f"{stem}.bias": None if bias is None else np.ravel(bias) for stem, bias in biases.items()}
    return {name: np.asarray(values) for name, values in named.items() if values is not None}


def _fault(folder: Path, loaded: Any) -> str | None:
    """Every tensor of the file must be the weights of its name, number by number, and none may be left over."""
    config, params, _ = loaded
    plain = PlainGguf(folder / "model.gguf")
    weights = _weights(params)
    if plain.tensors.keys() != weights.keys():
        return f"{sorted(plain.tensors.keys() ^ weights.keys())} are only in the file, or only in the decoder"
    for name, values in plain.tensors.items():
        if values is not None and not np.array_equal(weights[name], values.astype(np.float32)):
            return f"{name} is not the file's"
    names = {
        "width": "embedding_length",
        "layers": "block_count",
        "heads": "attention.head_count",
        "hidden_width": "feed_forward_length",
    }
    for field, name in names.items():
        if getattr(config, field) != plain.metadata[f"llama.{name}"]:
            return f"{field} is {getattr(config, field)}, in the file {plain.metadata[f'llama.{name}']}"
    return None


TARGETS = (
    Target(
        "GGUF",
        lambda: [{"model.gguf": write(parts)} for parts in FILES],
        {"model.gguf": _mutate},
        lambda folder: read_gguf(folder / "model.gguf", jnp.float32),
        _fault,
    ),
)
