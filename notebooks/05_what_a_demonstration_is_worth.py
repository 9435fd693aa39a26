# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What a demonstration is worth
#
# A prompt holds four demonstrations, and the model answers. Whose doing is the answer? In the dual view the question
# has a handle: each demonstration is a training example with its own learning rate $\eta_i$ in every layer and head.
# At $\eta = 1$ this is the ordinary forward pass, at $\eta_i = 0$ the prompt without demonstration $i$
# (`demonstration-rates`). So the loss of the answer is a function of four numbers, and everything below is a question
# to that function. One sign throughout: a positive score *helps*, it lowers the loss.
#
# The model is a real one, a decoder of 260,032 weights that was trained to tell stories. Where it is not at hand, the
# notebook trains a smaller one to look things up: a line names a letter and a digit, and a letter that comes again
# wants its digit again.

# %%
# %matplotlib inline
import os
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tokenizers

from lrgd_jax import explain
from lrgd_jax.decoder import DecoderConfig, LoadedDecoder, Tokenizer, apply, init, load_decoder
from lrgd_jax.effect import exact_shapley, few_shot, leave_one_out, losses_at, rate_gradient
from lrgd_jax.effect.methods import DEFAULT, METHODS
from lrgd_jax.report.effect_figures import effect_path_figure, fidelity_figure, parts_figure


def trained(letters="abcdefghijkl", digits="0123456789", lines=24, steps=300):
    names = ["<begin>", "\n", *letters, *digits]
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel({c: k for k, c in enumerate(names)}, unk_token=names[0]))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    config = DecoderConfig(len(names), 48, 2, 4, 4, 12, 96, 96, bos=0)

    def loss(params, key):
        first, second = jax.random.split(key)
        drawn = jax.random.randint(first, (64, lines), 0, len(letters))
        table = jax.random.randint(second, (64, len(letters)), 2 + len(letters), len(names))
        found = jnp.take_along_axis(table, drawn, axis=1)
        ids = jnp.stack([drawn + 2, found, jnp.ones_like(drawn)], axis=2).reshape(64, -1)
        logits = jax.vmap(lambda row: apply(params, config, row))(jnp.pad(ids, ((0, 0), (1, 0))))[:, 1::3]
        return optax.softmax_cross_entropy_with_integer_labels(logits[:, :lines], found).mean()

    def step(carry, key):
        changes, state = adam.update(jax.grad(loss)(carry[0], key), carry[1])
        return (optax.apply_updates(carry[0], changes), state), None

    adam, params = optax.adam(3e-3), init(jax.random.key(0), config)
    train = jax.jit(lambda start: jax.lax.scan(step, start, jax.random.split(jax.random.key(1), steps))[0][0])
    return LoadedDecoder(config, train((params, adam.init(params))), Tokenizer(backend, len(names)))


folder = Path(os.environ.get("LRGD_DATA", "../../shared/data")) / "stories260K"
tells = folder.is_dir()
decoder = load_decoder(folder) if tells else trained()

# %% [markdown]
# ## One answer
#
# Four people had four things, and one of them takes his to the park. `explain` makes the prompt, runs the model with
# and without the demonstrations and scores each of them.

# %%
who = ["Tim", "Lily", "Ben", "Sam", "Tom", "Max", "Mia", "Anna"] if tells else list("abcdefghijkl")
toys = "red ball,blue car,big dog,toy boat,new hat,old bear,green frog,little bird,yellow kite,sweet cake"
what = toys.split(",") if tells else list("0123456789")
owns, asks, ends = ("{} had a {}.", "{} went to the park with the", " {}.") if tells else ("{}{}", "{}", "{}")


def prompt(seed):
    rng = np.random.default_rng(seed)
    people, things = rng.choice(who, 4, replace=False), rng.choice(what, 4, replace=False)
    k = rng.integers(4)
    texts = [owns.format(*pair) for pair in zip(people, things, strict=True)]
    return texts, asks.format(people[k]), ends.format(things[k])


explanation = explain(decoder, *prompt(0))
explanation

# %% [markdown]
# Blue helps, orange harms. The demonstration that names the thing carries the effect; those that name other things
# pull towards them. The token probabilities show where: a thing's first letters could be any thing's, and from there
# on the demonstrations decide.
#
# ## Where is it?
#
# A score is a sum over layers and heads, for each of them has its own dual and its own step. On the left all
# demonstrations, on the right the heads for the one that helps most. A head may help with one and harm with another.

# %%
labels = [" ".join(text.split()) for text in explanation.attribution.prompt.demonstrations]
parts_figure(explanation.attribution.heads, labels)

# %% [markdown]
# ## The way from zero-shot to few-shot
#
# How does the loss fall if all rates grow together from zero to one? Here are more prompts of that kind. Along the
# rates most of it is over early (shaded). A rate multiplies a kernel entry, and attention normalises: a demonstration
# with a tenth of its weight is still attended to, where nothing else in the prompt answers. Along *contribution gates*
# $c$, which multiply what a demonstration adds to the output and leave the normaliser alone
# (`contribution-gates`), the way is more even. Both end at the same places. An integral along the way,
# $\phi_i = -\int_0^1 \partial\ell/\partial\eta_i\,dt$, splits the whole effect among the demonstrations
# (`aumann-shapley`, `rate-gradient`); how many points it takes depends on the way.

# %%
prompts = [few_shot(decoder.tokenizer, decoder.config, *prompt(seed)) for seed in range(16)]
common = {
    "length": max(len(one.tokens) for one in prompts),
    "target_length": max(end - start for start, end in (one.target for one in prompts)),
}
losses = [one.loss(decoder.params, decoder.config, **common) for one in prompts]
fractions = np.linspace(0, 1, 33) ** 2


def along(control):
    points = np.outer(fractions, np.ones(4))
    return np.stack([losses_at(replace(loss, control=control), points, batch=33) for loss in losses])


ways = {"rates": along("rates"), "contribution gates": along("contributions")}
falls = ways["rates"][:, 0] - ways["rates"][:, -1]
large = np.argsort(-falls)[:8]
print("fall of the loss, nats a token:", np.round(np.sort(falls)[::-1], 2))
effect_path_figure(fractions, {name: found[large] for name, found in ways.items()})

# %% [markdown]
# Drawn are the eight prompts with the largest effect, as a share of next to nothing says nothing.
#
# ## A cheap score against the truth
#
# The fair division of the effect is known for four demonstrations: try all $2^4$ subsets and take Shapley values. Three
# scores that cost less: *leave-one-out* runs the model once more for each demonstration; the *rate gradient* is one
# backward pass for all of them, leave-one-out to first order; the method that `lrgd explain` takes unless another one
# is named integrates along a path.

# %%
exact = np.concatenate([exact_shapley(loss, batch=33).values for loss in losses])
scores = {
    "rate gradient": [rate_gradient(loss) for loss in losses],
    "leave-one-out": [leave_one_out(loss, batch=33) for loss in losses],
    DEFAULT: [METHODS[DEFAULT](loss) for loss in losses],
}
for name, found in scores.items():
    right = np.mean([np.argmax(s.values) == np.argmax(e) for s, e in zip(found, exact.reshape(-1, 4), strict=True)])
    print(
        f"{name}: {np.median([s.cost for s in found]):.3g} forward passes, the same best in {right:.0%} of the prompts"
    )
fidelity_figure(exact, {name: np.concatenate([s.values for s in found]) for name, found in scores.items()})

# %% [markdown]
# All of them find the demonstration that counts. The rate gradient is a derivative at the flat end of the way, so it
# says who helps better than how much. Leave-one-out comes close here because one demonstration has the answer and the
# others do not stand in for it; where several say the same, none of them is missed, and it tends to zero. The default
# adds up to the whole effect, at a cost that does not grow with the number of demonstrations.
#
# ## What this does not show
#
# - A score tells what *this* model does with a demonstration, not whether the demonstration is true or well chosen.
# - One small model, one kind of prompt with a demonstration that holds the answer. On other prompts the effects are
#   smaller and cheap scores miss more; the fidelity benchmark measures it on real prompts of a larger model.
# - The dual is exact, layer by layer, for any weights. That the model learns from demonstrations as it would from
#   training on them is another question, and is not claimed.
