"""A real checkpoint as a chain of dual models: the same logits, layer by layer too, and the same greedy tokens."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree

from lrgd_jax.certify import Bounded, running_error, trace
from lrgd_jax.claims.comparison import Comparison, compare
from lrgd_jax.claims.decoder_bound import (
    Losses,
    compare_stretches,
    head_bounds,
    hidden_bound,
    local_errors,
    sum_of_losses,
)
from lrgd_jax.claims.decoder_prompt import Demonstrations, split_prompt
from lrgd_jax.claims.dtypes import check_dtype
from lrgd_jax.decoder import (
    DecoderConfig,
    DecoderParams,
    LoadedDecoder,
    apply,
    apply_norm,
    dual_chain,
    dual_layer,
    embed,
    generate,
    layer,
    load_decoder,
)
from lrgd_jax.decoder.norms import normalise

__all__ = ["DecoderVerdict", "Greedy", "verify_decoder"]


@dataclass(frozen=True)
class Greedy:
    """Greedy tokens of the forward pass, and whether the dual chain chooses the same.

    Attributes:
        tokens: what `lrgd_jax.decoder.generate` wrote.
        identical: the dual chain chooses every one of them.
        first_difference: at which step it first does not; None where it always does.
        smallest_gap: the gap between the two largest logits of the chain, over all steps; None where there are none.
        text: the tokens in words; None without a tokenizer.
    """

    tokens: tuple[int, ...]
    identical: bool
    first_difference: int | None
    smallest_gap: float | None
    text: str | None


@dataclass(frozen=True)
class DecoderVerdict:
    """What the check of a checkpoint on one prompt found.

    Attributes:
        directory: where the checkpoint lies.
        dtype: the dtype of the check.
        prompt_tokens: number of tokens of the prompt.
        demonstrations: segments before the query.
        logits: the dual chain against the forward pass, at every position; tolerance by the adjoint bound.
        layers: every layer, then the final norm, on the same input; tolerance by the running errors, of the whole
            layer where they are finite, else of the stretches between marked tensors, as a note says then.
        greedy: the continuation.
        notes: what was done otherwise than asked for.
        seconds: time of each stage.
    """

    directory: str
    dtype: str
    prompt_tokens: int
    demonstrations: int
    logits: Comparison
    layers: tuple[Comparison, ...]
    greedy: Greedy
    notes: tuple[str, ...]
    seconds: dict[str, float]

    @property
    def holds(self) -> bool:
        """The logits agree, every layer agrees, and the tokens are identical."""
        return self.logits.holds and all(one.holds for one in self.layers) and self.greedy.identical


def verify_decoder(
    directory: str | os.PathLike[str],
    prompt: str | Sequence[int],
    demonstrations: Demonstrations = None,
    *,
    dtype: str = "float64",
    steps: int = 200,
    progress: Callable[[str, float], None] | None = None,
) -> DecoderVerdict:
    """Checks that a pretrained decoder is a chain of dual models, on one prompt.

    Args:
        directory: a folder with config.json, model.safetensors and, for a prompt in words, tokenizer.json; a .gguf
            file; or a name such as "smollm2".
        prompt: text whose lines are the demonstrations and, last, the query; or token ids.
        demonstrations: how many of the first lines, or which ranges of tokens, are demonstrations.
        dtype: the dtype of the computation; with float64 JAX must be in 64 bits.
        steps: greedy tokens, cut to what the context leaves room for.
        progress: called with the stage and the share of it that is done.

    Raises:
        FileNotFoundError: the checkpoint or a file of it is not there.
        ValueError: the checkpoint is damaged, or the prompt is empty, too long, or wrongly split.
    """
    check_dtype(dtype)
    if steps < 0:
        raise ValueError(f"the number of greedy steps must not be negative, got {steps}")
    tell = progress or (lambda stage, share: None)
    seconds: dict[str, float] = {}
    with jax.default_matmul_precision("highest"):
        clock = _Clock(seconds, tell)
        decoder = load_decoder(directory, dtype)
        tokens, segments = split_prompt(decoder, prompt, demonstrations)
        decoder = decoder._replace(config=decoder.config.for_length(tokens.shape[0]))
        clock("load")
        layers, losses, hidden, stretched = _layers(decoder.params, decoder.config, tokens, segments)
        clock("layers")
        bound = hidden_bound(
            decoder.params, decoder.config, tokens, losses, progress=lambda share: tell("adjoint bound", share)
        )
        clock("adjoint bound")
        logits = _logits(decoder.params, decoder.config, tokens, segments, hidden, bound)
        clock("logits")
        room = decoder.config.context_length - tokens.shape[0]
        notes = _notes(dtype, stretched, steps, room)
        greedy = _greedy(decoder, tokens, segments, min(steps, room))
        clock("greedy")
    count = int(segments[-1])
    return DecoderVerdict(
        os.fspath(directory), dtype, tokens.shape[0], count, logits, tuple(layers), greedy, notes, seconds
    )


def _notes(dtype: str, stretched: Sequence[int], steps: int, room: int) -> tuple[str, ...]:
    """What was done otherwise than asked for, a sentence each."""
    notes = []
    if stretched:
        of = ", ".join(str(layer + 1) for layer in stretched)
        notes.append(
            f"layers without a finite bound as a whole in {dtype}, where rounding may reach what a norm divides by, "
            f"so compared tensor by tensor, each from the same ones before it: {of}"
        )
    if steps > room:
        notes.append(f"{steps} greedy steps cut to {room}: the context has room for no more")
    return tuple(notes)


class _Clock:
    """Notes how long each stage took."""

    def __init__(self, seconds: dict[str, float], tell: Callable[[str, float], None]) -> None:
        self.seconds, self.tell, self.last = seconds, tell, time.perf_counter()

    def __call__(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage], self.last = now - self.last, now
        self.tell(stage, 1.0)


def _layers(
    params: DecoderParams, config: DecoderConfig, tokens: Int[Array, " n"], segments: Int[Array, " n"]
) -> tuple[list[Comparison], list[Losses], Array, list[int]]:
    """Every layer and the final norm in both ways on the same input, their local errors, and the hidden states.

    Last, the layers of which nothing finite bounds the whole, and which are compared stretch by stretch.
    """
    x = embed(params, tokens)
    ways: dict[DecoderConfig, Pair] = {}
    comparisons, losses, stretched = [], [], []
    for i, weights in enumerate(params.layers):
        own = config.of_layer(i)
        if own not in ways:
            ways[own] = Pair(
                lambda weights, x, own=own: layer(weights, own, x),
                lambda weights, x, own=own: dual_layer(weights, own, x, segments),
                (weights, x),
            )
        link = ways[own](weights, x)
        if not link.whole:
            stretched.append(i)
        comparisons.append(link.comparison)
        losses.append(link.losses)
        x = link.output
    final = (params.final_norm, params.final_norm_bias)
    of_norm = Pair(
        lambda norm, x: normalise(config, norm[0], norm[1], x),
        lambda norm, x: apply_norm(config, norm[0], norm[1], x),
        (final, x),
    )
    norm = of_norm(final, x)
    return [*comparisons, norm.comparison], [*losses, norm.losses], norm.output, stretched


class Link(NamedTuple):
    """A link of the chain in both ways.

    Attributes:
        comparison: of the two.
        whole: whether its tolerance bounds the whole link, not only the stretches between marks.
        losses: what both lose at each mark.
        output: of the first way.
    """

    comparison: Comparison
    whole: bool
    losses: Losses
    output: Array


class Pair:
    """A link of the chain in both ways: traced once and compiled once for all links of the same shapes."""

    def __init__(self, left: Callable[..., Array], right: Callable[..., Array], arguments: tuple[PyTree, ...]) -> None:
        self.ways = left, right
        self.programs = [trace(way, *arguments) for way in self.ways]
        self.compiled = [jax.jit(way) for way in self.ways]

    def __call__(self, *arguments: PyTree) -> Link:
        values = [way(*arguments) for way in self.compiled]
        errors = [running_error(program, *arguments).error for program in self.programs]
        losses = sum_of_losses(*(local_errors(program, *arguments) for program in self.programs))
        whole = all(np.isfinite(error).all() for error in errors)
        if whole:
            comparison = compare(*(Bounded(np.asarray(v, np.float64), e) for v, e in zip(values, errors, strict=True)))
        else:
            comparison = compare_stretches(self.ways, self.programs, *arguments)
        return Link(comparison, whole, losses, values[0])


def _logits(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    segments: Int[Array, " n"],
    hidden: Array,
    bound: np.ndarray,
) -> Comparison:
    forward = jax.jit(apply, static_argnames="config")(params, config, tokens)
    chain = jax.jit(dual_chain, static_argnames="config")(params, config, tokens, segments)
    errors = head_bounds(params, config, hidden, bound)
    return compare(*(Bounded(np.asarray(v, np.float64), e) for v, e in zip((forward, chain), errors, strict=True)))


def _greedy(decoder: LoadedDecoder, tokens: Int[Array, " n"], segments: Int[Array, " n"], steps: int) -> Greedy:
    """The greedy continuation, and the chain's choice at each of its steps, from one evaluation of the chain.

    The chain reads the prompt and all generated tokens at once. By induction its own greedy continuation is the same:
    if it has chosen the first k tokens so far, its logits for the next are those at position n + k - 1, which depend on
    the prompt and these k tokens alone; their largest is the token that `generate` wrote, for every k.
    """
    if steps == 0:
        return Greedy((), True, None, None, None)
    n = tokens.shape[0]
    written = generate(decoder.params, decoder.config, tokens, steps)
    read = jnp.concatenate([tokens, written[:-1].astype(tokens.dtype)])
    continued = jnp.concatenate([segments, jnp.full((steps - 1,), segments[-1])])
    chain = jax.jit(dual_chain, static_argnames="config")(decoder.params, decoder.config, read, continued)
    logits = np.asarray(chain, np.float64)[n - 1 :]
    wrong = np.flatnonzero((logits.argmax(axis=-1) != np.asarray(written)) | ~np.isfinite(logits).all(axis=-1))
    largest = np.sort(logits, axis=-1)[:, -2:]
    return Greedy(
        tokens=tuple(np.asarray(written).tolist()),
        identical=not wrong.size,
        first_difference=int(wrong[0]) if wrong.size else None,
        smallest_gap=float(np.min(largest[:, 1] - largest[:, 0])) if logits.shape[1] > 1 else None,
        text=None if decoder.tokenizer is None else decoder.tokenizer.decode(written),
    )
