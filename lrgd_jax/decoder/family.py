"""What a family of pretrained decoders has to state."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass

from jaxtyping import Array

from lrgd_jax.decoder.checkpoint_layout import assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.fields import Fields, refuse_unread
from lrgd_jax.decoder.hugging_face_config import Config
from lrgd_jax.decoder.hugging_face_keys import NEUTRAL, WITHOUT_EFFECT
from lrgd_jax.decoder.params import DecoderParams

__all__ = ["Family"]


@dataclass(frozen=True)
class Family:
    """How checkpoints of one family are read; what is not given is as in Llama.

    Attributes:
        name: of the family.
        architectures: its names in "architectures" of config.json.
        model_types: its names in "model_type".
        read_config: config.json to `DecoderConfig`; raises ValueError for what the decoder does not compute. It reads
            every key that matters from the `Config`, which notes it.
        tensor_shapes: name and shape of every tensor that a checkpoint must hold.
        assemble: those tensors to the decoder's weights; it takes each out of the mapping.
        tied: (head, embedding): names of a head that may be stored though it is the embedding.
        ignorable: a regular expression; tensors of these names are buffers that the decoder computes itself.
        prefix: with which the names of all tensors may begin, or not.
        without_effect: keys that this family alone does not read, as they change none of its numbers.

    Examples:
        >>> from lrgd_jax.decoder.families import family_of
        >>> family_of({"model_type": "qwen3"}).architectures
        ('Qwen3ForCausalLM',)
    """

    name: str
    architectures: tuple[str, ...]
    model_types: tuple[str, ...]
    read_config: Callable[[Config], DecoderConfig]
    tensor_shapes: Callable[[DecoderConfig], dict[str, tuple[int, ...]]] = tensor_shapes
    assemble: Callable[[DecoderConfig, MutableMapping[str, Array]], DecoderParams] = assemble
    tied: tuple[str, str] = ("lm_head.weight", "model.embed_tokens.weight")
    ignorable: str = r"(.*\.)?rotary_emb\.inv_freq"
    prefix: str = "model."
    without_effect: tuple[str, ...] = ()

    def decoder_config(self, described: Mapping[str, object]) -> DecoderConfig:
        """The `DecoderConfig` of a config.json of which every key is used, or known to change no number.

        Args:
            described: what the file holds.

        Raises:
            ValueError: as for `read_config`; or a key is of unknown effect, which is named.
        """
        return self.account(described)[0]

    def account(self, described: Mapping[str, object]) -> tuple[DecoderConfig, dict[str, object]]:
        """The same, and the keys that are not used, with their values."""
        fields = Fields(described)
        config = self.read_config(fields)
        harmless = {*WITHOUT_EFFECT, *self.without_effect}
        unused = refuse_unread(fields, without_effect=harmless.__contains__, neutral=NEUTRAL, what=f"a {self.name}")
        return config, unused
