"""Positions: rotations of pairs, their frequencies, and the slopes of ALiBi."""

import math

import jax.numpy as jnp
import numpy as np

from benchmarks.kernel_faults.fault import KIND, Fault, Setting, github


def turned(pair, cos, sin):
    return pair[0] * cos - pair[1] * sin, pair[1] * cos + pair[0] * sin


def neighbours(x, cos, sin):
    return jnp.stack(turned((x[0::2], x[1::2]), cos, sin), axis=-1).ravel()  # here


def halves(x, cos, sin):
    return jnp.concatenate(turned(jnp.split(x, 2), cos, sin))  # here


def backwards(x, cos, sin):
    first, second = jnp.split(x, 2)
    return jnp.concatenate([first * cos + second * sin, second * cos - first * sin])  # here


def swapped(x):
    first, second = jnp.split(x, 2)
    return jnp.concatenate([-second, first])


def frequencies_of_halves(x, cos, sin):
    return x * jnp.tile(cos, 2) + swapped(x) * jnp.tile(sin, 2)  # here


def frequencies_of_neighbours(x, cos, sin):
    return x * jnp.repeat(cos, 2) + swapped(x) * jnp.repeat(sin, 2)  # here


def both_halves(x, cos, sin):
    return x * cos + swapped(x) * sin  # here


def first_half_twice(x, cos, sin):
    cos, sin = (jnp.tile(jnp.split(y, 2)[0], 2) for y in (cos, sin))
    return x * cos + swapped(x) * sin  # here


def the_turned_part_alone(x, cos, sin):
    size = 2 * cos.shape[0]
    return jnp.concatenate([*turned(jnp.split(x[:size], 2), cos, sin), x[size:]])  # here


def pairs_over_the_whole_head(x, cos, sin):
    still = x.shape[0] // 2 - cos.shape[0]
    cos = jnp.concatenate([cos, jnp.ones(still, cos.dtype)])
    sin = jnp.concatenate([sin, jnp.zeros(still, sin.dtype)])
    return jnp.concatenate(turned(jnp.split(x, 2), cos, sin))  # here


def scaled_frequencies(position, frequency, factor, length):
    angle = position * jnp.where(frequency * length < 1, frequency / factor, frequency)  # here
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)])  # here


def plain_frequencies(position, frequency, factor, length):
    angle = position * frequency  # here
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)])  # here


def biased(scores, slopes):
    places = np.arange(scores.shape[-1], dtype=float)
    return scores + jnp.asarray(slopes[:, None, None] * (places[None, :] - places[:, None]), scores.dtype)


def powers(heads, first=1):
    return np.array([2.0 ** (-8 * (head + first) / heads) for head in range(heads)])


def slopes_from_the_first_power(scores):
    return biased(scores, powers(scores.shape[0]))  # here


def slopes_from_one(scores):
    return biased(scores, powers(scores.shape[0], first=0))  # here


def slopes_of_the_next_power(heads):
    return powers(2 ** math.ceil(math.log2(heads)))


def every_second_slope_first(scores):
    slopes = slopes_of_the_next_power(scores.shape[0])
    if slopes.size != scores.shape[0]:
        slopes = np.concatenate([slopes[1::2], slopes[::2]])[: scores.shape[0]]
    return biased(scores, slopes)  # here


def slopes_in_order(scores):
    return biased(scores, slopes_of_the_next_power(scores.shape[0])[: scores.shape[0]])  # here


PAIR = "x:4; cos:2; sin:2"
TURNED = Setting(change=lambda point: point | unit_circle(point["sin"]))
LONG = Setting({"h": 6, "n": 64})


def unit_circle(angle):
    return {"cos": np.cos(angle), "sin": np.sin(angle)}


def tied_halves(point):
    """Angles as of positions in one dimension, the same for both halves."""
    return point | unit_circle(np.tile(point["sin"][: point["sin"].size // 2], 2))


def of_a_decoder(position):
    """Frequencies of base 10,000, a first context of 8,192, and one position."""
    frequencies = 10_000.0 ** (-np.arange(8) / 8)
    return lambda point: {
        "position": np.asarray(position),
        "frequency": frequencies,
        "factor": np.asarray(8.0),
        "length": np.asarray(8192 / (2 * np.pi)),
    }


FAULTS = (
    Fault(
        "halves turned for neighbours",
        github("vllm-project/vllm-ascend", "issue", 12765),
        "Entries i and i + d/2 are turned as a pair where the model means 2i and 2i + 1.",
        neighbours,
        halves,
        PAIR,
        TURNED,
    ),
    Fault(
        "rotary halves swapped",
        KIND,
        "The sign belongs to the other half, so that the pair is turned backwards.",
        halves,
        backwards,
        PAIR,
        TURNED,
    ),
    Fault(
        "frequencies of another layout",
        github("raiyanyahya/how-to-train-your-gpt", "pull request", 7),
        "Frequencies repeated for neighbours are used with pairs of halves.",
        frequencies_of_halves,
        frequencies_of_neighbours,
        PAIR,
        TURNED,
    ),
    Fault(
        "second half of the angles dropped",
        github("Tencent/ncnn", "issue", 6833),
        "The angles of the first half are used for both, which differ for positions in two dimensions.",
        both_halves,
        first_half_twice,
        "x:4; cos:4; sin:4",
        TURNED,
        Setting(change=tied_halves, note="positions in one dimension"),
    ),
    Fault(
        "partial rotation paired over the whole head",
        github("labscommunity/cascadia", "pull request", 69),
        "Where only a part of the head is turned, pairs are taken over all of it and the angles filled up.",
        the_turned_part_alone,
        pairs_over_the_whole_head,
        "x:8; cos:2; sin:2",
        TURNED,
    ),
    Fault(
        "scaling of frequencies not applied",
        github("lablup/mlxcel", "issue", 1355),
        "The scaling of low frequencies for long contexts is read from the configuration and not used.",
        scaled_frequencies,
        plain_frequencies,
        "position: above 0; frequency:2 above 0; factor: above 0; length: above 0",
        Setting(change=of_a_decoder(5000.0), note="position 5,000"),
        Setting(change=of_a_decoder(1.0), note="position 1"),
    ),
    Fault(
        "slopes of ALiBi off by one",
        github("paiml/aprender", "pull request", 2143),
        "The first head has the slope 1, and each head one factor too much.",
        slopes_from_the_first_power,
        slopes_from_one,
        "scores:h=2,n=2,n",
        Setting({"h": 8, "n": 64}),
    ),
    Fault(
        "slopes of ALiBi in another order",
        github("mosaicml/examples", "pull request", 307),
        "Where the number of heads is no power of two, every second slope of the next power comes first.",
        every_second_slope_first,
        slopes_in_order,
        "scores:h=3,n=2,n",
        LONG,
        Setting({"h": 8, "n": 64}, note="eight heads"),
    ),
)
