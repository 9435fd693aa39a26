"""Prompts with demonstrations for experiments on a decoder: stories of its own, word pairs, or random tokens."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from lrgd_jax.decoder import (
    PACKAGED,
    DecoderConfig,
    DecoderParams,
    LoadedDecoder,
    Tokenizer,
    empty_cache,
    init,
    load_decoder,
    read_tokens,
)

__all__ = ["Kind", "Prompt", "kind_of", "load_model", "pad_tokens", "pair_prompts", "prompts_of", "story_prompt"]

Kind = Literal["stories", "pairs", "random"]
"""Of prompts: sentences of a story, lines "question -> answer", or tokens that mean nothing."""

RANDOM = DecoderConfig(
    vocab_size=31,
    width=16,
    layers=2,
    heads=4,
    kv_heads=2,
    head_width=4,
    hidden_width=24,
    context_length=64,
    tied_head=True,
    bos=1,
)
"""The tiny decoder that the model name "random" stands for; its weights are those of seed 0."""

OPENINGS = """
Once upon a time, One day, Tom had, Lily and, Ben was, The cat, A little dog, The sun, In the park, Tim saw,
Mom said, Sue liked, There was a bird, A big bear, The boy, Anna went, Max and, Every day, Jack found, The
girl, Sam wanted, Dad had, A small fish, The old man, Mia loved, Two friends, It was, Bob and, A frog, The
ball, Amy had, Spot was, At night, The truck, Kitty, Grandma, A red car, Lucy was, Once there, The rabbit,
Jane and, A brave, In a small, The tree, John was, Sara and, One morning, A funny, The princess, Billy, On the
farm, Mr. Green, The duck, Leo had, A boy named, The teacher, Zoe, Many birds, Her mom, His friend, They were,
She saw, He liked, We went, I have, When the, After lunch, Some kids, Two cats, The moon, A girl named, The
king, My dog, Ella, Fred, Nina and, Peter, Rex was, Daisy, Henry
"""
"""First words of stories, between commas."""
LONGEST_STORY, LONGEST_TARGET = 128, 6
TEMPERATURE = 0.8
"""Of the stories that a model writes: the likeliest ones are all alike."""

PAIRS = tuple(
    tuple(tuple(pair.split("-")) for pair in task.split())
    for task in (
        "France-Paris Italy-Rome Spain-Madrid Germany-Berlin Japan-Tokyo Egypt-Cairo Russia-Moscow China-Beijing "
        "Greece-Athens Austria-Vienna Portugal-Lisbon Poland-Warsaw",
        "hot-cold big-small up-down fast-slow old-new rich-poor dark-light early-late hard-soft open-closed wet-dry "
        "full-empty",
        "cat-cats box-boxes man-men leaf-leaves child-children city-cities dog-dogs mouse-mice wolf-wolves foot-feet "
        "baby-babies tree-trees",
        "go-went see-saw eat-ate run-ran take-took give-gave come-came write-wrote sing-sang fall-fell know-knew "
        "drive-drove",
    )
)
"""Capitals, opposites, plurals, past tenses."""
ARROW = "->"


@dataclass(frozen=True)
class Prompt:
    """Tokens in their parts.

    Attributes:
        first: the token that begins a text, or nothing; no demonstration.
        demonstrations: the tokens of each.
        outputs: how many tokens at the end of each demonstration are its output; the others are its input.
        query: what stands before the target.
        target: the tokens whose likelihood counts.
    """

    first: tuple[int, ...]
    demonstrations: tuple[tuple[int, ...], ...]
    outputs: tuple[int, ...]
    query: tuple[int, ...]
    target: tuple[int, ...]

    def tokens(self, order: Sequence[int] | None = None) -> tuple[int, ...]:
        """The whole prompt, the demonstrations in another order where one is given; an empty order leaves them out."""
        chosen = range(len(self.demonstrations)) if order is None else order
        told = [token for i in chosen for token in self.demonstrations[i]]
        return (*self.first, *told, *self.query, *self.target)

    def segments(self) -> Int[np.ndarray, " n"]:
        """0 for the first token, 1, 2, … for the demonstrations, then the number of the query with its target."""
        lengths = [len(part) for part in (self.first, *self.demonstrations, (*self.query, *self.target))]
        return np.repeat(np.arange(len(lengths)), lengths)


def pad_tokens(tokens: Sequence[int], length: int) -> Int[Array, " n"]:
    """The tokens, with zeros after them up to a length; no token that comes before reads those."""
    return jnp.asarray([*tokens, *(0,) * (length - len(tokens))], jnp.int32)


def load_model(model: str, dtype: jax.typing.DTypeLike) -> LoadedDecoder:
    """The decoder of a name or a folder; "random" is a tiny one with random weights.

    Raises:
        FileNotFoundError: it is not there; the message names the setting.
    """
    if model == "random":
        return LoadedDecoder(RANDOM, init(jax.random.key(0), RANDOM, dtype), None)
    if model not in PACKAGED and not Path(model).exists():
        raise FileNotFoundError(
            f"there is no model at {model} (seen from {Path.cwd()}): give a folder with config.json and "
            "model.safetensors or a .gguf file by --set model=PATH, or --set model=smollm2, or --set model=random"
        )
    return load_decoder(model, dtype)


def kind_of(model: str) -> Kind:
    """What a model is asked to continue: a packaged language model word pairs, any other model stories of its own."""
    if model == "random":
        return "random"
    return "pairs" if model in PACKAGED else "stories"


def prompts_of(loaded: LoadedDecoder, kind: Kind, number: int, demonstrations: int) -> list[Prompt]:
    """So many prompts, the same at every call.

    Args:
        loaded: the decoder, which writes its stories itself (drawn, from different first words).
        kind: of the prompts.
        number: how many.
        demonstrations: in each prompt.

    Raises:
        ValueError: the decoder has no tokenizer, or cannot write so many stories.
    """
    if kind == "random":
        return [_random_prompt(seed, loaded.config, demonstrations) for seed in range(number)]
    if loaded.tokenizer is None:
        raise ValueError(f"prompts of the kind {kind!r} need a tokenizer; the model has none (tokenizer.json)")
    if kind == "pairs":
        return pair_prompts(loaded.tokenizer, loaded.config, number, demonstrations)
    told = (story_prompt(loaded.tokenizer, loaded.config, lines) for lines in _stories(loaded, demonstrations + 1))
    found = list(dict.fromkeys(told))[:number]
    if len(found) < number:
        raise ValueError(
            f"the model writes only {len(found)} stories of {demonstrations + 1} different sentences from "
            f"its openings, and {number} prompts were asked for; ask for fewer prompts or demonstrations"
        )
    return found


def story_prompt(tokenizer: Tokenizer, config: DecoderConfig, lines: Sequence[str]) -> Prompt:
    """A prompt whose demonstrations are lines; the last line is cut into query and target.

    The query is the first half of the line's tokens, the target what follows, at most six tokens. Every token of a
    demonstration is its output: a story has no input.
    """
    parts = _parts(tokenizer, config, "\n".join(lines))
    *told, last = parts
    half = (len(last) + 1) // 2
    target = last[half : half + LONGEST_TARGET]
    return Prompt(_first(config), tuple(told), tuple(len(part) for part in told), last[:half], target)


def pair_prompts(tokenizer: Tokenizer, config: DecoderConfig, number: int, demonstrations: int) -> list[Prompt]:
    """Prompts of lines "question -> answer", the tasks in turn, the pairs drawn."""
    rng = np.random.default_rng(0)
    found: list[Prompt] = []
    while len(found) < number:
        task = PAIRS[len(found) % len(PAIRS)]
        if demonstrations >= len(task):
            raise ValueError(f"a task has {len(task)} pairs, too few for {demonstrations} demonstrations and a query")
        chosen = [task[i] for i in rng.permutation(len(task))[: demonstrations + 1]]
        parts = _parts(tokenizer, config, "".join(f"{question} {ARROW} {answer}\n" for question, answer in chosen))
        asked = [_question(tokenizer, part) for part in parts]
        told = tuple(parts[:-1])
        outputs = tuple(len(part) - k for part, k in zip(told, asked, strict=False))
        query, answer = parts[-1][: asked[-1]], parts[-1][asked[-1] : -1]
        found.append(Prompt(_first(config), told, outputs, query, answer))
    return found


def _stories(loaded: LoadedDecoder, sentences: int) -> list[list[str]]:
    """The first sentences of the stories that the model writes, where there are so many and all differ."""
    tokenizer, config = loaded.tokenizer, loaded.config
    if tokenizer is None:
        return []
    openings = [tokenizer.encode(opening) for opening in " ".join(OPENINGS.split()).split(", ")]
    length = min(LONGEST_STORY, config.context_length)
    given = jnp.stack([pad_tokens(ids.tolist(), length) for ids in openings])
    lengths = jnp.asarray([len(ids) for ids in openings])
    written = _write_texts(loaded.params, config, given, lengths, jax.random.split(jax.random.key(0), len(openings)))
    pieces = [re.split(r"(?<=[.!?])\s+|(?<=[.!?]\")\s+", tokenizer.decode(ids)) for ids in written]
    # the last piece may be cut off
    told = [found[:-1][:sentences] for found in pieces]
    return [found for found in told if len(set(found)) == sentences]


@partial(jax.jit, static_argnames="config")
def _write_texts(
    params: DecoderParams,
    config: DecoderConfig,
    given: Int[Array, "b n"],
    lengths: Int[Array, " b"],
    keys: PRNGKeyArray,
) -> Int[Array, "b n"]:
    """Texts of n tokens, drawn one by one after those given."""
    size = given.shape[1]
    empty = empty_cache(config, size, params.embedding.dtype)

    def one(given: Int[Array, " n"], length: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, " n"]:
        def step(carry, at):
            token, cache = carry
            logits, cache = read_tokens(params, config, cache, token[None])
            drawn = jax.random.categorical(jax.random.fold_in(key, at), logits / TEMPERATURE).astype(given.dtype)
            token = jnp.where(at < length, given[at], drawn)
            return (token, cache), token

        rest = jax.lax.scan(step, (given[0], empty), jnp.arange(1, size))[1]
        return jnp.concatenate([given[:1], rest])

    return jax.vmap(one)(given, lengths, keys)


def _random_prompt(seed: int, config: DecoderConfig, demonstrations: int) -> Prompt:
    rng = np.random.default_rng(seed)

    def drawn(length: int) -> tuple[int, ...]:
        return tuple(int(token) for token in rng.integers(3, config.vocab_size, length))

    told = tuple(drawn(int(rng.integers(3, 6))) for _ in range(demonstrations))
    return Prompt(_first(config), told, tuple(len(part) for part in told), drawn(3), drawn(2))


def _first(config: DecoderConfig) -> tuple[int, ...]:
    return () if config.bos is None else (config.bos,)


def _parts(tokenizer: Tokenizer, config: DecoderConfig, text: str) -> list[tuple[int, ...]]:
    """The tokens of every line, as they stand in the whole text, without the token that begins it."""
    ids, segments = (np.asarray(x) for x in tokenizer.encode_prompt(text))
    skipped = int(ids[0] == config.bos)
    return [
        tuple(int(token) for token in ids[skipped:][segments[skipped:] == part])
        for part in range(int(segments[-1]) + 1)
    ]


def _question(tokenizer: Tokenizer, line: tuple[int, ...]) -> int:
    """How many tokens of a line make up its question, arrow included; they depend on what stands around it."""
    ends = (k for k in range(1, len(line)) if ARROW in tokenizer.decode(jnp.asarray(line[:k], jnp.int32)))
    return next(ends, len(line))
