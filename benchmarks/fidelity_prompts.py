"""Prompts with demonstrations: shoppers' histories for a language model, sentences of stories for a small one."""

from __future__ import annotations

import gzip
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import polars as pl

from lrgd_jax.decoder import LoadedDecoder, Tokenizer, generate

CATALOGUES = ("office", "industrial", "cds", "games")
WORDS = 5
"""Most words of a title; what comes after is cut off."""
PREAMBLE = "What shoppers bought, and what each of them bought next:\n"


class Prompt(NamedTuple):
    """Pieces of text: what is always seen, the demonstrations, the query and its target."""

    name: str
    preamble: str
    demonstrations: tuple[str, ...]
    query: str
    target: str


class Encoded(NamedTuple):
    """A prompt in tokens; the always-seen piece is segment 0."""

    tokens: np.ndarray
    segments: np.ndarray
    target: tuple[int, int]


def tokenizer_of(decoder: LoadedDecoder) -> Tokenizer:
    """The decoder's, which must have one."""
    if decoder.tokenizer is None:
        raise ValueError("the decoder has no tokenizer, so it cannot read a prompt")
    return decoder.tokenizer


def encode(decoder: LoadedDecoder, prompt: Prompt) -> Encoded:
    """Piece by piece, so that no token belongs to two of them."""
    backend = tokenizer_of(decoder).backend
    pieces = [prompt.preamble, *prompt.demonstrations, prompt.query, prompt.target]
    ids = [backend.encode(piece, add_special_tokens=False).ids for piece in pieces]
    first = tokenizer_of(decoder).encode("").tolist()
    ids[0] = first + ids[0]
    lengths = [len(x) for x in ids]
    segments = np.repeat([*range(len(ids) - 1), len(ids) - 2], lengths)
    total = sum(lengths)
    return Encoded(np.array([t for x in ids for t in x], np.int32), segments, (total - lengths[-1], total))


def short(title: str | None) -> str | None:
    """The first words of a title's first part; None where there are fewer than two, or odd characters."""
    words = re.split(r"[,(\[:;]| - ", title or "")[0].split()[:WORDS]
    part = " ".join(words)
    return part if len(words) > 1 and not re.search(r"[^ -~]|[\"<>]", part) else None


class Shoppers(NamedTuple):
    """Lines of a history and what was bought next, how many tokens they have, and a vector of each history."""

    lines: list[tuple[str, str]]
    tokens: np.ndarray
    vectors: np.ndarray


def shoppers(data: Path, catalogue: str, decoder: LoadedDecoder, history: int) -> dict[str, Shoppers]:
    """Of a catalogue: purchases held out for validation (demonstrations) and for the test (queries), of other users.

    Args:
        data: folder with the amazon_* folders.
        catalogue: its name.
        decoder: whose tokens are counted.
        history: items before the purchase that are told.
    """
    folder = data / f"amazon_{catalogue}"
    items = pl.read_csv(folder / "items.csv.gz")
    titles = dict(zip(items["item"].to_list(), map(short, items["title"].to_list()), strict=True))
    vectors = _vectors(folder)
    by_split: dict[str, dict[tuple[str, str], np.ndarray]] = {"valid": {}, "test": {}}
    for split, before, item in _transitions(folder):
        last = before[-history:]
        told = [titles.get(i) or "" for i in (*last, item)]
        if len(last) == history and all(told) and len(set(told)) == len(told) and all(i in vectors for i in last):
            line = ("; ".join(told[:-1]) + " =>", f" {told[-1]}")
            by_split[split].setdefault(line, np.sum([vectors[i] for i in last], axis=0))
    return {split: _shoppers(lines, decoder) for split, lines in by_split.items()}


def _shoppers(lines: dict[tuple[str, str], np.ndarray], decoder: LoadedDecoder) -> Shoppers:
    rows = np.array(list(lines.values()))
    counts = [len(x.ids) for x in tokenizer_of(decoder).backend.encode_batch(["".join(line) for line in lines])]
    return Shoppers(list(lines), np.array(counts) + 1, rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _vectors(folder: Path) -> dict[int, np.ndarray]:
    with np.load(folder / "title_minilm_pca64.npz") as kept:
        return dict(zip(kept["item"].tolist(), kept["emb"].astype(np.float64), strict=True))


def _transitions(folder: Path) -> Iterator[tuple[str, list[int], int]]:
    """Split, history and next item; even users give the demonstrations, odd ones the queries."""
    examples = folder / "examples.csv.gz"
    if examples.is_file():
        table = pl.read_csv(examples).select("split", "user", "history_items", "item")
        for split, user, history, item in table.iter_rows():
            if (split == "test") == bool(user % 2):
                yield split, [int(x) for x in history.split()], item
        return
    with gzip.open(folder / "sequences_full.csv.gz", "rt") as lines:
        for line in itertools.islice(lines, 1, 20001):
            user, items = line.strip().split(",")
            *history, item = (int(x) for x in items.split())
            yield "test" if int(user) % 2 else "valid", history, item


def shopper_prompts(data: Path, decoder: LoadedDecoder, count: int, length: int, room: int) -> Iterator[Prompt]:
    """Four and five demonstrations in turn, of the catalogues in turn.

    Lines tell of one item before the purchase; of two where there are four demonstrations and titles are short. Half
    of the demonstrations are among the most similar to the query by their titles' vectors, half are random.

    Args:
        data: folder with the amazon_* folders.
        decoder: whose tokens are counted.
        count: of prompts.
        length: most tokens of a prompt.
        room: most tokens of a target.
    """
    rng = np.random.default_rng(0)
    kinds = [(n, name, 2 if n == 4 and name in ("cds", "games") else 1) for n in (4, 5) for name in CATALOGUES]
    kept = {(n, name): shoppers(data, name, decoder, history) for n, name, history in kinds}
    for number, (n, name) in zip(range(count), itertools.cycle(kept), strict=False):
        while True:
            prompt = _shopper_prompt(rng, f"{name}-{number}", kept[n, name], n, length)
            tokens, _, (start, end) = encode(decoder, prompt)
            if len(tokens) <= length and end - start <= room:
                yield prompt
                break


def _shopper_prompt(rng: np.random.Generator, name: str, kept: dict[str, Shoppers], n: int, length: int) -> Prompt:
    # short lines first, or hardly any prompt would fit
    query, others = (np.flatnonzero(kept[split].tokens <= 1.1 * length / (n + 1)) for split in ("test", "valid"))
    asked = int(rng.choice(query))
    similarity = kept["valid"].vectors[others] @ kept["test"].vectors[asked]
    similar = others[np.argsort(-similarity)[:20]]
    chosen = rng.choice(similar, n // 2, replace=False)
    chosen = rng.permutation([*chosen, *rng.choice(np.setdiff1d(others, similar), n - n // 2, replace=False)])
    demonstrations = tuple("".join(kept["valid"].lines[i]) + "\n" for i in chosen)
    return Prompt(name, PREAMBLE, demonstrations, *kept["test"].lines[asked])


NAMES = ("Lily", "Tim", "Sara", "Ben", "Tom", "Mia", "Max", "Sue", "Sam", "Anna")
WHO = ("boy", "girl", "dog", "cat", "bird", "bear", "fish", "rabbit")
STORY = 160
"""Tokens that the model adds to the beginning of a story."""


def story_prompts(decoder: LoadedDecoder, count: int, length: int, room: int) -> Iterator[Prompt]:
    """Four or five sentences of the model's own stories, then one that goes on with a story of which two are told.

    Args:
        decoder: a teller of stories.
        count: of prompts.
        length: most tokens of a prompt.
        room: most tokens of a target.
    """
    rng = np.random.default_rng(1)
    told = [story for story in _stories(decoder) if len(story) > 4]
    for number in range(count):
        n = 4 + number % 2
        while True:
            prompt = _story_prompt(rng, f"story-{number}", told, n)
            tokens, _, (start, end) = encode(decoder, prompt)
            if len(tokens) <= length and end - start <= room:
                yield prompt
                break


def _stories(decoder: LoadedDecoder) -> list[list[str]]:
    """Sentences of greedy stories whose beginnings differ."""
    begins = [f"Once upon a time, there was a little {who} named {name}." for who in WHO for name in NAMES]
    tokenizer = tokenizer_of(decoder)
    tokens = [tokenizer.encode(begin) for begin in begins]
    # one length, so that all are generated by one compilation
    lengths = [len(x) for x in tokens]
    common = max(set(lengths), key=lengths.count)
    stories = []
    for begin, ids in zip(begins, tokens, strict=True):
        if len(ids) == common:
            more = tokenizer.decode(generate(decoder.params, decoder.config, jnp.asarray(ids), STORY))
            # the last sentence is cut off
            stories.append(re.findall(r"[^.!?]+[.!?]\"?", (begin + " " + more.strip()).replace("\n", " "))[:-1])
    return stories


def _story_prompt(rng: np.random.Generator, name: str, told: list[list[str]], n: int) -> Prompt:
    own, *others = (told[i] for i in rng.choice(len(told), n - 1, replace=False))
    at = int(rng.integers(2, len(own)))
    pieces = [*(own[i] for i in sorted(rng.choice(at, 2, replace=False))), *(x[rng.integers(len(x))] for x in others)]
    rng.shuffle(pieces)
    words = own[at].strip().split(" ")
    half = max(1, len(words) // 2)
    demonstrations = tuple(" " + piece.strip() for piece in pieces)
    return Prompt(name, "", demonstrations, " " + " ".join(words[:half]), " " + " ".join(words[half:]))
