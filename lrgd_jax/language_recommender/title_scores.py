r"""Titles ranked by how likely a model finds them: the prompt is read once, and every title behind it.

$$s(c) = \frac1{|c|}\sum_k\log p(c_k\mid x, c_{<k}),\qquad
s'(c) = s(c) - \frac1{|c|}\sum_k\log p(c_k\mid x_0, c_{<k})$$

with the prompt x, and for the calibrated score what stands before a title without any history, $x_0$.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.candidates import score_candidates
from lrgd_jax.effect.prompt import Prompt
from lrgd_jax.language_recommender.prompts import PromptWriter

__all__ = ["TitleScores", "own_likings", "score_titles"]

BATCH = 64
"""Titles that are read together."""


@dataclass(frozen=True)
class TitleScores:
    """Scores of some items.

    Attributes:
        items: their numbers, shape [n].
        likelihoods: mean log-likelihood of the tokens of each title, in nats, shape [n].
        tokens: how many tokens the model read for them: the prompt once, and every title but its last token.

    Examples:
        >>> scores = TitleScores(np.array([4, 7]), np.array([-2.0, -1.0]), tokens=30)
        >>> scores.ranking().tolist(), scores.calibrated(np.array([-3.0, -1.5])).ranking().tolist()
        ([7, 4], [4, 7])
    """

    items: Int[np.ndarray, " n"]
    likelihoods: Float[np.ndarray, " n"]
    tokens: int

    def ranking(self) -> Int[np.ndarray, " n"]:
        """The items, the likeliest title first, equal ones in the order given."""
        return self.items[np.argsort(-self.likelihoods, kind="stable")]

    def calibrated(self, own: Float[np.ndarray, " n"]) -> "TitleScores":
        """Less what the model thinks of the same titles without a prompt, from `own_likings`."""
        return TitleScores(self.items, self.likelihoods - own, self.tokens)


def score_titles(
    writer: PromptWriter,
    prompt: Prompt,
    items: Sequence[int] | Int[np.ndarray, " n"],
    *,
    rates: Float[Array, " N"] | None = None,
    batch: int = BATCH,
) -> TitleScores:
    """The mean log-likelihood of the titles of some items behind a prompt.

    Args:
        writer: who wrote the prompt.
        prompt: without an answer.
        items: numbers of items, each with a title.
        rates: of the prompt's demonstrations; all one unless given.
        batch: how many titles are read together; memory grows with it.

    Raises:
        ValueError: there are no items, one has no title, or a title does not fit behind the prompt.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.language_recommender import TitleTexts, load_template
        >>> decoder = tiny_decoder()
        >>> titles = TitleTexts.of(Catalogue(("a", "b", "c"), ("Atlas", "Lamp", "Tent")), decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("sentence"))
        >>> scores = score_titles(writer, writer.zero_shot([0]), [1, 2])
        >>> scores.items.tolist(), bool((scores.likelihoods < 0).all())
        ([1, 2], True)
    """
    rows = [writer.continuation(int(item)) for item in items]
    if not rows:
        raise ValueError("there is no candidate to score; ask for at least one")
    writer.require_room(prompt, max(map(len, rows)))
    gates = {} if rates is None else _gates(prompt, rates)
    scores = score_candidates(
        writer.decoder.params, writer.decoder.config, jnp.asarray(prompt.tokens), rows, batch=batch, **gates
    )
    tokens = len(prompt.tokens) + sum(len(row) - 1 for row in rows)
    return TitleScores(np.asarray(items), np.asarray(scores.mean, np.float64), tokens)


def own_likings(
    writer: PromptWriter, items: Sequence[int] | Int[np.ndarray, " n"], *, batch: int = BATCH
) -> Float[np.ndarray, " n"]:
    """The mean log-likelihood of titles without a history, by which scores are calibrated.

    Args:
        writer: of prompts.
        items: with titles.
        batch: how many titles are read together.

    Raises:
        ValueError: as for `score_titles`.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.language_recommender import PromptWriter, TitleTexts, load_template
        >>> decoder = tiny_decoder()
        >>> titles = TitleTexts.of(Catalogue(("a", "b", "c"), ("Atlas", "Lamp", "Tent")), decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("list"))
        >>> own_likings(writer, [0, 2]).shape
        (2,)
    """
    return score_titles(writer, writer.unprompted(), items, batch=batch).likelihoods


def _gates(prompt: Prompt, rates: Float[Array, " N"]) -> dict[str, Array]:
    """Rates as a decoder takes them: what is always seen has the rate one."""
    ones = jnp.ones((prompt.always_seen,), rates.dtype)
    return {"rates": jnp.concatenate([ones, rates]), "segments": jnp.asarray(prompt.segments)}
