"""What the experiment `dual-of-a-layer` measures on one prompt: the steps of its heads."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder import DecoderConfig, DecoderParams, head_dual
from lrgd_jax.decoder.capture import Capture, output_gradients
from lrgd_jax.dual.one_step import SoftmaxDual
from lrgd_jax.dual.token_roles import TokenRoles
from lrgd_jax.effect.finite_dual import centre_keys
from lrgd_jax.effect.head_step import HeadStep, head_step
from lrgd_jax.experiments.running.interface import Value
from lrgd_jax.experiments.shared.prompts import Prompt, pad_tokens
from lrgd_jax.positions import visible

__all__ = ["Seen", "all_centred", "scale_of", "see", "step_rows"]


class Seen(NamedTuple):
    """A prompt as the heads of the chosen layers see it.

    Attributes:
        config: the decoder.
        layers: which; the axis L below.
        found: queries, keys, values and outputs.
        gradients: of the test loss in the outputs, shape [L, h, n, dv].
        zero_shot_gradients: the same where the demonstrations' rates are zero in every layer.
        query: the query's tokens, from its first to its last.
        predicting: positions that predict the target.
        demonstrations: (start, end) of all demonstrations together.
    """

    config: DecoderConfig
    layers: tuple[int, ...]
    found: Capture
    gradients: Float[np.ndarray, "L h n dv"]
    zero_shot_gradients: Float[np.ndarray, "L h n dv"]
    query: range
    predicting: range
    demonstrations: tuple[int, int]

    def role(self, at: int) -> TokenRoles:
        """Which tokens the query at a position learns from; the token that begins the text is context."""
        n = self.found.keys.shape[2]
        own = self.config.of_layer(self.layers[0])
        seen = np.asarray(visible(n, n, causal=True, window=own.window))[at]
        told = (np.arange(n) >= self.demonstrations[0]) & (np.arange(n) < self.demonstrations[1])
        dtype = self.found.keys.dtype
        return TokenRoles(jnp.asarray(seen & ~told, dtype), jnp.asarray(seen & told, dtype))


def see(params: DecoderParams, config: DecoderConfig, prompt: Prompt, layers: Sequence[int], length: int) -> Seen:
    """Runs the decoder over the prompt with its target, with demonstrations and without.

    Raises:
        ValueError: the layers see different windows.
    """
    if config.local_layers is not None:
        raise ValueError("dual-of-a-layer: the layers of this decoder see different windows; give one with one kind")
    tokens, end = prompt.tokens(), len(prompt.tokens())
    # what fills up the prompt belongs to the query; nothing reads it
    segments = np.concatenate([prompt.segments(), np.full(length - end, prompt.segments()[-1])])
    if not prompt.first:
        segments = segments - 1
    counted = np.zeros(length)
    counted[end - len(prompt.target) : end] = 1 / len(prompt.target)
    rates = np.zeros(int(segments[-1]))
    rates[: len(prompt.first)] = 1
    dtype = params.embedding.dtype
    arguments = (
        params,
        config,
        pad_tokens(tokens, length),
        jnp.asarray(segments, jnp.int32),
        jnp.asarray(counted, dtype),
    )
    found, gradients = _seen(*arguments, jnp.ones(len(rates), dtype))
    _, zero_shot = _seen(*arguments, jnp.asarray(rates, dtype))
    chosen = np.asarray(layers)
    parts = (x[chosen] for x in (found.queries, found.keys, found.values, found.outputs))
    queries, keys, values, outputs = parts
    picked = Capture(queries, keys, values, outputs, found.logits)
    start, target = len(tokens) - len(prompt.target) - len(prompt.query), len(tokens) - len(prompt.target)
    return Seen(
        config,
        tuple(layers),
        picked,
        np.asarray(gradients)[chosen],
        np.asarray(zero_shot)[chosen],
        range(start, target),
        range(target - 1, end - 1),
        (len(prompt.first), start),
    )


@partial(jax.jit, static_argnames="config")
def _seen(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    segments: Int[Array, " n"],
    counted: Float[Array, " n"],
    rates: Float[Array, " N"],
) -> tuple[Capture, Float[Array, "L h n dv"]]:
    def loss(logits: Float[Array, "n vocab"]) -> Float[Array, ""]:
        likelihoods = jnp.take_along_axis(jax.nn.log_softmax(logits[:-1]), tokens[1:, None], axis=1)[:, 0]
        return -jnp.sum(counted[1:] * likelihoods)

    return output_gradients(loss, params, config, tokens, rates=rates, segments=segments)


def step_rows(seen: Seen) -> list[dict[str, Value]]:
    """One row a head: its step at the query's last token and on average over the query, and its alignment."""
    at = sorted({*seen.query, *seen.predicting})
    steps = {t: jax.tree.map(np.asarray, _steps(seen.config, seen.found, seen.role(t), jnp.asarray(t))) for t in at}
    last = seen.query[-1]
    moved = replace(seen.found, keys=all_centred(seen.found.keys, seen.role(last)))
    shifted = jax.tree.map(np.asarray, _steps(seen.config, moved, seen.role(last), jnp.asarray(last)))
    return [
        {"measure": "step", "layer": layer, "head": j, **_of_head(seen, steps, shifted, i, j)}
        for i, layer in enumerate(seen.layers)
        for j in range(seen.config.heads)
    ]


@jax.jit
def all_centred(keys: Float[Array, "L g n d"], role: TokenRoles) -> Float[Array, "L g n d"]:
    """Every head's keys less their mean over the tokens that a query sees."""
    counted = role.context + role.demonstrations > 0
    return jax.vmap(jax.vmap(lambda k: centre_keys(k, counted)))(keys)


@partial(jax.jit, static_argnames="config")
def _steps(config: DecoderConfig, found: Capture, role: TokenRoles, at: Int[Array, ""]) -> HeadStep:
    """The dual of every layer and key-value head at one query token."""
    dual = head_dual(config)
    if not isinstance(dual, SoftmaxDual):
        raise TypeError(f"expected the dual of softmax attention, got {type(dual).__name__}")
    count, h, _, d = found.queries.shape
    g = found.keys.shape[1]
    points = jnp.take(found.queries, at, axis=2).reshape(count, g, h // g, d)

    def one(keys: Array, values: Array, points: Array) -> HeadStep:
        return head_step(dual, keys, values, role, points)

    return jax.vmap(jax.vmap(one))(found.keys, found.values, points)


def _of_head(seen: Seen, steps: dict[int, HeadStep], shifted: HeadStep, i: int, j: int) -> dict[str, Value]:
    share = seen.config.heads // seen.config.kv_heads
    group, member = divmod(j, share)
    last = seen.query[-1]
    before, after = ({t: x[i, group, member] for t, x in pair} for pair in _outputs(steps))
    changes = {t: np.linalg.norm(after[t] - before[t]) / np.linalg.norm(before[t]) for t in steps}
    sizes = [steps[t].log_size[i, group] / math.log(10) for t in seen.query]
    of_values = [steps[t].log_size_of_values[i, group] / math.log(10) for t in seen.query]
    attended = [_attention_on_demonstrations(seen, i, j, t) for t in seen.query]
    moved = np.concatenate([after[t] - before[t] for t in seen.predicting])

    def aligned(gradients: Float[np.ndarray, "L h n dv"]) -> float:
        towards = -np.concatenate([gradients[i, j, t] for t in seen.predicting])
        return float(moved @ towards / (np.linalg.norm(moved) * np.linalg.norm(towards)))

    numbers = {
        "log10_size": sizes[-1],
        "log10_size_mean": np.mean(sizes),
        "log10_size_of_values": of_values[-1],
        "log10_size_of_values_mean": np.mean(of_values),
        "change": changes[last],
        "change_mean": np.mean([changes[t] for t in seen.query]),
        "attention_on_demonstrations": attended[-1],
        "attention_on_demonstrations_mean": np.mean(attended),
        "log10_size_centred": shifted.log_size[i, group] / math.log(10),
        "rank": steps[last].rank[i, group],
        "rank_centred": shifted.rank[i, group],
        "rank_of_values": steps[last].rank_of_values[i, group],
        "alignment": aligned(seen.gradients),
        "zero_shot_alignment": aligned(seen.zero_shot_gradients),
    }
    return {"group": group, "tokens": last + 1, **{name: float(x) for name, x in numbers.items()}}


def _outputs(steps: dict[int, HeadStep]):
    return [(t, x.before) for t, x in steps.items()], [(t, x.after) for t, x in steps.items()]


def _attention_on_demonstrations(seen: Seen, i: int, j: int, at: int) -> float:
    """How much of the head's attention falls on the demonstrations."""
    keys = np.asarray(seen.found.keys[i, j // (seen.config.heads // seen.config.kv_heads)])
    logits = keys @ np.asarray(seen.found.queries[i, j, at]) * scale_of(seen.config)
    role = jax.tree.map(np.asarray, seen.role(at))
    counted = role.context + role.demonstrations > 0
    weights = np.exp(np.where(counted, logits, -np.inf) - logits[counted].max())
    return float(weights @ role.demonstrations / weights.sum())


def scale_of(config: DecoderConfig) -> float:
    """The factor s of the logits."""
    return 1 / math.sqrt(config.head_width) if config.attention_scale is None else config.attention_scale
