"""What a checkpoint is and needs, before it is worked with."""

import math
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import jax
import jax.numpy as jnp

from lrgd_jax.decoder.checkpoint import checkpoint_files
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.forward import apply
from lrgd_jax.decoder.generation import generate
from lrgd_jax.decoder.gguf import describe_gguf
from lrgd_jax.decoder.hugging_face_tokenizer import hugging_face_tokenizer
from lrgd_jax.decoder.loading import describe_directory, is_gguf, load_decoder, source_path
from lrgd_jax.decoder.safetensors_header import stored_tensors
from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.outside.json_files import read_json, read_text

__all__ = ["PLAIN_TEXT", "Greedy", "Inspection", "inspect_model", "try_text"]

PLAIN_TEXT = "Once upon a time there was a little girl. She had a small dog, and the dog was very happy."
STEPS = 12


@dataclass(frozen=True)
class Inspection:
    """What a checkpoint is, by everything but its numbers.

    Attributes:
        path: of the file or directory.
        form: "GGUF" or "safetensors".
        family: of the model.
        config: of the decoder.
        parameters: numbers that are stored.
        stored: how many tensors are stored in which way.
        file_bytes: of the weights on disk.
        tokenizer: what reads its text, in words.
        template: how it expects a conversation, in words.
        unused: keys of its settings that change no number, with their values.
    """

    path: Path
    form: str
    family: str
    config: DecoderConfig
    parameters: int
    stored: Mapping[str, int]
    file_bytes: int
    tokenizer: str
    template: str
    unused: Mapping[str, object]

    def memory(self, dtype: jax.typing.DTypeLike = jnp.float32) -> int:
        """Bytes that the weights take in a type."""
        return self.parameters * jnp.dtype(dtype).itemsize

    def cache(self, dtype: jax.typing.DTypeLike = jnp.float32) -> int:
        """Bytes of keys and values that generation keeps for every token."""
        c = self.config
        return 2 * c.layers * c.kv_heads * c.head_width * jnp.dtype(dtype).itemsize

    def as_dict(self) -> dict[str, object]:
        """The same as JSON can hold it."""
        return asdict(self) | {
            "path": str(self.path),
            "memory": {name: self.memory(name) for name in ("float32", "bfloat16")},
            "cache_per_token": self.cache(),
        }


@dataclass(frozen=True)
class Greedy:
    """What a model makes of a plain text.

    Attributes:
        text: that it was given.
        continuation: its most likely next tokens.
        loss: mean surprise at the text's own tokens, in nats.
        guessing: of one who takes all tokens for equally likely, ln of their number.
    """

    text: str
    continuation: str
    loss: float
    guessing: float

    @property
    def plausible(self) -> bool:
        """Whether the model expects the text better than guessing; one that was read wrongly does not."""
        return self.loss < self.guessing


def inspect_model(source: str | os.PathLike[str]) -> Inspection:
    """Reads everything of a checkpoint but its numbers.

    Args:
        source: as `lrgd_jax.decoder.load_decoder` takes it.

    Raises:
        FileNotFoundError: as for `load_decoder`.
        ValueError: as for `load_decoder`, but for the tensors' numbers.

    Examples:
        >>> inspect_model("no/model.gguf")
        Traceback (most recent call last):
            ...
        FileNotFoundError: no/model.gguf is not a file
    """
    path = source_path(source)
    return _inspect_gguf(path) if is_gguf(path) else _inspect_directory(path)


def _inspect_gguf(path: Path) -> Inspection:
    from gguf import GGMLQuantizationType

    header, config, tokenizer, unused = describe_gguf(path)
    places = header.tensors.values()
    return Inspection(
        path=path,
        form="GGUF",
        family="llama",
        config=config,
        parameters=sum(math.prod(place.shape) for place in places),
        stored=Counter(GGMLQuantizationType(place.kind).name for place in places),
        file_bytes=path.stat().st_size,
        tokenizer=_reader(tokenizer, str(header.metadata.get("tokenizer.ggml.model", "no tokenizer"))),
        template=_template(header.metadata.get("tokenizer.chat_template")),
        unused={key: value for key, value in unused.items() if key != "tokenizer.chat_template"},
    )


def _inspect_directory(path: Path) -> Inspection:
    family, config, unused = describe_directory(path)
    files = checkpoint_files(path)
    tensors = [tensor for file in files for tensor in stored_tensors(file).values()]
    settings, own_file = path / "tokenizer_config.json", path / "chat_template.jinja"
    said = read_json(settings, dict[str, object], what="file of settings") if settings.is_file() else {}
    template = read_text(own_file, what="template") if own_file.is_file() else said.get("chat_template")
    return Inspection(
        path=path,
        form="safetensors",
        family=family.name,
        config=config,
        parameters=sum(math.prod(tensor.shape) for tensor in tensors),
        stored=Counter(tensor.kind for tensor in tensors),
        file_bytes=sum(file.stat().st_size for file in files),
        tokenizer=_reader(hugging_face_tokenizer(path, config.vocab_size), "no tokenizer.json"),
        template=_template(template),
        unused=unused,
    )


def _reader(tokenizer: Tokenizer | None, instead: str) -> str:
    if tokenizer is None:
        return f"none that is read here ({instead})"
    kind, size = type(tokenizer.backend.model).__name__, tokenizer.backend.get_vocab_size()
    begins = tokenizer.backend.encode("a").tokens[:1]
    special = tokenizer.backend.encode("a").special_tokens_mask[:1]
    return f"{kind}, {size} tokens" + (f"; a text begins with {begins[0]}" if special == [1] else "")


def _template(written: object) -> str:
    if not written:
        return "none"
    return "ChatML" if "<|im_start|>" in str(written) else "its own, which is not written here"


def try_text(source: str | os.PathLike[str], text: str = PLAIN_TEXT) -> Greedy:
    """Loads a model, measures how well it expects a text, and continues it.

    Args:
        source: as `lrgd_jax.decoder.load_decoder` takes it.
        text: in a language that the model knows.

    Raises:
        ValueError: as for `load_decoder`; or the model has no tokenizer, or the text has fewer than two tokens.
    """
    config, params, tokenizer = load_decoder(source)
    if tokenizer is None:
        raise ValueError(f"{os.fspath(source)} has no tokenizer that is read here, so no text can be tried")
    steps = min(STEPS, config.context_length - 2)
    tokens = tokenizer.encode(text)[: config.context_length - steps]
    if len(tokens) < 2:
        raise ValueError("the text has fewer than two tokens; give a longer one")
    logits = jax.nn.log_softmax(jax.jit(apply, static_argnames="config")(params, config, tokens))
    loss = -jnp.mean(jnp.take_along_axis(logits[:-1], tokens[1:, None], axis=1))
    written = generate(params, config, tokens, steps)
    return Greedy(text, tokenizer.decode(written), float(loss), math.log(config.vocab_size))
