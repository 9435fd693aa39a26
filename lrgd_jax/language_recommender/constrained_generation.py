"""Titles written by the model itself, token by token, where a trie lets it write titles of the catalogue alone."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.cache import Cache, empty_cache, read_tokens
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.packing import padded_length
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.effect.prompt import Prompt
from lrgd_jax.language_recommender.prompts import PromptWriter
from lrgd_jax.language_recommender.title_trie import TitleTrie
from lrgd_jax.precision import at_least_float32

__all__ = ["WrittenTitle", "write_titles"]


class WrittenTitle(NamedTuple):
    """A title that was written.

    Attributes:
        items: that have it.
        likelihood: mean log-likelihood of its tokens, in nats.

    Examples:
        >>> WrittenTitle(items=(3, 8), likelihood=-1.5)  # two items have this title
        WrittenTitle(items=(3, 8), likelihood=-1.5)
    """

    items: tuple[int, ...]
    likelihood: float


class _Beam(NamedTuple):
    """The beginning of a title, and the log-likelihood of its tokens together."""

    tokens: tuple[int, ...]
    total: float


def write_titles(writer: PromptWriter, prompt: Prompt, trie: TitleTrie, *, beams: int = 8) -> list[WrittenTitle]:
    """The titles that a beam search through a trie writes, the likeliest first.

    A beam is ranked by its log-likelihood, a title that is done by its mean over tokens, as `score_titles` ranks it.

    Args:
        writer: who wrote the prompt.
        prompt: without an answer.
        trie: of titles as `PromptWriter.continuation` gives them; of at least one.
        beams: how many beginnings are kept at each token.

    Returns:
        Every title that was finished, at least one, each of the catalogue.

    Raises:
        ValueError: the beam is empty, or the longest title does not fit behind the prompt.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.language_recommender import TitleTexts, load_template
        >>> decoder = tiny_decoder()
        >>> titles = TitleTexts.of(Catalogue(("a", "b", "c"), ("Atlas", "Lamp", "Tent")), decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("sentence"))
        >>> trie = TitleTrie([(item, writer.continuation(item)) for item in (1, 2)])
        >>> sorted(title.items for title in write_titles(writer, writer.zero_shot([0]), trie))
        [(1,), (2,)]
    """
    if beams < 1:
        raise ValueError(f"a beam search keeps at least one beam, got {beams}")
    writer.require_room(prompt, trie.longest)
    params, config = writer.decoder.params, writer.decoder.config
    size = min(padded_length(len(prompt.tokens) + trie.longest), config.context_length)
    likelihoods, caches = _read(params, config, size, beams, jnp.asarray(prompt.tokens))
    kept, done = [_Beam((), 0.0)], []
    while True:
        longer = _continue(trie, kept, np.asarray(likelihoods, np.float64))
        finished = [(items, beam) for _, beam in longer if (items := trie.items(beam.tokens))]
        done += [WrittenTitle(tuple(items), beam.total / len(beam.tokens)) for items, beam in finished]
        going = [(parent, beam) for parent, beam in longer if trie.next(beam.tokens)][:beams]
        if not going:
            return sorted(done, key=lambda title: -title.likelihood)
        kept = [beam for _, beam in going]
        # places without a beam repeat the first one, and are not read
        filled = [*going, *(going[:1] * (beams - len(going)))]
        parents = jnp.asarray([parent for parent, _ in filled])
        last = jnp.asarray([beam.tokens[-1] for _, beam in filled], jnp.int32)
        likelihoods, caches = _step(params, config, jax.tree.map(lambda x, of=parents: x[of], caches), last)


def _continue(trie: TitleTrie, kept: list[_Beam], likelihoods: Float[np.ndarray, "b v"]) -> list[tuple[int, _Beam]]:
    """Every beginning that is one token longer, with the beam that it goes on from, the likeliest first."""
    longer = [
        (parent, _Beam((*beam.tokens, token), beam.total + float(likelihoods[parent, token])))
        for parent, beam in enumerate(kept)
        for token in trie.next(beam.tokens)
    ]
    return sorted(longer, key=lambda pair: -pair[1].total)


@partial(jax.jit, static_argnames=("config", "size", "beams"))
def _read(
    params: DecoderParams, config: DecoderConfig, size: int, beams: int, tokens: Int[Array, " n"]
) -> tuple[Float[Array, "b v"], Cache]:
    """What follows a prompt, and its cache, once for every beam."""
    logits, cache = read_tokens(params, config, empty_cache(config, size, params.embedding.dtype), tokens)
    likelihoods = jax.nn.log_softmax(at_least_float32(logits))
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (beams, *x.shape)), (likelihoods, cache))


@partial(jax.jit, static_argnames="config")
def _step(
    params: DecoderParams, config: DecoderConfig, caches: Cache, last: Int[Array, " b"]
) -> tuple[Float[Array, "b v"], Cache]:
    """What follows every beam after its last token."""

    def one(cache: Cache, token: Int[Array, ""]) -> tuple[Float[Array, " v"], Cache]:
        logits, cache = read_tokens(params, config, cache, token[None])
        return jax.nn.log_softmax(at_least_float32(logits)), cache

    return jax.vmap(one)(caches, last)
