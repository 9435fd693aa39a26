"""What the metadata of a GGUF file say about a Llama, as llama.cpp understands them.

llama.cpp's own defaults hold where a key is not there: a factor without a type of scaling stretches linearly, and the
old key rope.scale_linear stands for the factor. Source: its load_hparams in src/llama-model.cpp.
"""

import math
from collections.abc import Mapping
from typing import TypedDict

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.fields import Fields
from lrgd_jax.positions import YarnScaling

__all__ = ["NEUTRAL", "change_nothing", "gguf_config"]

PREFIXES = ("general.", "quantize.", "imatrix.", "tokenizer.chat_template", "split.")
"""Of keys that say what the file is, how it was made, and how a conversation is written."""
WITHOUT_EFFECT = frozenset(
    {
        "llama.rope.scaling.finetuned",  # whether training went on with the stretched frequencies
        "llama.tensor_data_layout",  # in which order older converters kept rows; nothing reads it any more
        "tokenizer.huggingface.json",  # the same tokenizer once more
    }
)
NEUTRAL: Mapping[str, object] = {
    "general.quantization_version": 2,
    "general.type": "model",
    "llama.attention.causal": True,
    "llama.expert_count": 0,
    "llama.expert_used_count": 0,
    "llama.rope.scaling.attn_factor": 1.0,
    "llama.use_parallel_residual": False,
}
"""The value with which a key changes no number."""


def change_nothing(key: str) -> bool:
    """Whether a key of the metadata changes no number, whatever it holds."""
    return key.startswith(PREFIXES) or key in WITHOUT_EFFECT


def gguf_config(metadata: Fields, stored: Mapping[str, tuple[int, ...]]) -> DecoderConfig:
    """The `DecoderConfig` of a file of the architecture "llama".

    Args:
        metadata: of the file, which note what is read.
        stored: shapes of the tensors by name, the outermost dimension first.

    Raises:
        ValueError: a key is missing or malformed, or the model is one that is not computed here.
    """
    architecture = metadata.text("general.architecture")
    if architecture != "llama":
        raise ValueError(f'architecture {architecture!r} is not read from GGUF; supported: "llama"')
    if metadata.whole("llama.expert_count", 0):
        raise ValueError("a mixture of experts is not computed here")
    if metadata.whole("split.count", 0) > 1:
        raise ValueError("this is one piece of a split file; merge the pieces by llama-gguf-split --merge")
    if "rope_freqs.weight" in stored:
        raise ValueError(
            "stretched rotary frequencies (rope_freqs.weight) are not read from GGUF; "
            "load the model from its safetensors"
        )
    if "token_embd.weight" not in stored:
        raise ValueError("the file lacks tensor token_embd.weight")
    width, heads = metadata.size("llama.embedding_length"), metadata.size("llama.attention.head_count")
    vocabulary = stored["token_embd.weight"][0]
    if metadata.size("llama.vocab_size", vocabulary) != vocabulary:
        raise ValueError(
            f"llama.vocab_size is {metadata.get('llama.vocab_size')}, but the embedding has {vocabulary} rows"
        )
    head_width = metadata.size("llama.attention.key_length", width // heads)
    if metadata.size("llama.attention.value_length", head_width) != head_width:
        raise ValueError(
            "llama.attention.value_length is not llama.attention.key_length; here values are as wide as keys"
        )
    rotated = metadata.size("llama.rope.dimension_count", head_width)
    return DecoderConfig(
        vocab_size=vocabulary,
        width=width,
        layers=metadata.count("llama.block_count"),
        heads=heads,
        kv_heads=metadata.size("llama.attention.head_count_kv", heads),
        head_width=head_width,
        hidden_width=metadata.size("llama.feed_forward_length"),
        context_length=metadata.size("llama.context_length"),
        norm_epsilon=metadata.positive("llama.attention.layer_norm_rms_epsilon"),
        rope_theta=metadata.positive("llama.rope.freq_base", 10_000.0),
        **_stretch(metadata, rotated == head_width),
        rope_layout="interleaved",
        rotary_width=None if rotated == head_width else rotated,
        tied_head="output.weight" not in stored,
        attention_bias="blk.0.attn_q.bias" in stored,
        output_bias="blk.0.attn_output.bias" in stored,
        mlp_bias="blk.0.ffn_up.bias" in stored,
        bos=metadata.whole_or_none("tokenizer.ggml.bos_token_id"),
        eos=_ends(metadata),
    )


class _Stretch(TypedDict, total=False):
    rope_factor: float
    rope_scaling: YarnScaling
    rope_gain: float


def _stretch(metadata: Fields, whole_heads: bool) -> _Stretch:
    """How positions are stretched; YaRN multiplies rotated queries and keys by 1 + ln(factor) / 10 too."""
    kind = metadata.text("llama.rope.scaling.type", "linear")
    if kind not in ("none", "linear", "yarn"):
        raise ValueError(f'rotary scaling {kind!r} is not computed; supported: "none", "linear", "yarn"')
    factor, context = _factor(metadata), metadata.size("llama.context_length")
    original = metadata.size("llama.rope.scaling.original_context_length", context)
    if kind != "yarn":
        return {"rope_factor": factor if kind == "linear" else 1.0}
    if not whole_heads:
        raise ValueError('rotary scaling "yarn" of heads that are rotated in part is not computed')
    gain = 1 + 0.1 * math.log(factor)
    scaling = YarnScaling(factor=factor, original_max_position_embeddings=original)
    return {"rope_scaling": scaling, "rope_gain": gain}


def _factor(metadata: Fields) -> float:
    """By what slow frequencies are divided; 0 stands for none."""
    old = metadata.number("llama.rope.scale_linear", 0.0)
    factor = metadata.number("llama.rope.scaling.factor", old)
    if old and old != factor:
        raise ValueError(
            f"llama.rope.scaling.factor is {factor} and llama.rope.scale_linear {old}, which says the same; keep one"
        )
    if factor < 0:
        raise metadata.wrong("llama.rope.scaling.factor", "a positive number", factor)
    return factor or 1.0


def _ends(metadata: Fields) -> tuple[int, ...]:
    kinds = [metadata.whole_or_none(f"tokenizer.ggml.{kind}_token_id") for kind in ("eos", "eot", "eom")]
    return tuple(dict.fromkeys(token for token in kinds if token is not None))
