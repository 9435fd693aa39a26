"""A language model as a recommender: a shortlist, demonstrations that a selector chose, and titles ranked by it."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.decoder.loading import LoadedDecoder
from lrgd_jax.effect.attribution import rate_gradient
from lrgd_jax.language_recommender.demonstration_effects import answer_loss
from lrgd_jax.language_recommender.demonstration_pool import AskedDemonstrations, DemonstrationPool
from lrgd_jax.language_recommender.prompt_templates import PromptTemplate
from lrgd_jax.language_recommender.prompts import HISTORY, TOLD, PromptWriter
from lrgd_jax.language_recommender.read_pool import Cost, ReadPool
from lrgd_jax.language_recommender.selectors import selector_named, short_pool
from lrgd_jax.language_recommender.shortlist import Shortlist, shortlist
from lrgd_jax.language_recommender.title_scores import score_titles
from lrgd_jax.language_recommender.title_texts import LONGEST, TitleTexts
from lrgd_jax.recommend.data.dataset import Queries, Split
from lrgd_jax.recommend.serving.recommender import Recommender

__all__ = ["LanguageRecommendation", "LanguageRecommender", "ListRequest"]

POOL = 8
"""Demonstrations that the model reads to choose among."""


@dataclass(frozen=True)
class ListRequest:
    """What is asked for.

    Attributes:
        candidates: length of the shortlist.
        selector: a name of `SELECTORS` that does not read the answer.
        demonstrations: K, how many are shown; the best one stands last, next to the question.
        k: how many items are listed.
        calibrated: whether each title's own likelihood is taken off.
        pool: how many demonstrations the model reads where the selector asks it.
        seed: of what is random.

    Raises:
        ValueError: fewer than one candidate, item or demonstration of a pool, or more items than candidates.

    Examples:
        >>> ListRequest(candidates=5, k=6)
        Traceback (most recent call last):
            ...
        ValueError: expected a list of 1 to 5 items, as many as there are candidates; got 6
    """

    candidates: int = 100
    selector: str = "attention"
    demonstrations: int = 4
    k: int = 10
    calibrated: bool = False
    pool: int = POOL
    seed: int = 0

    def __post_init__(self) -> None:
        if self.candidates < 1:
            raise ValueError(f"expected at least one candidate, got {self.candidates}")
        if not 1 <= self.k <= self.candidates:
            raise ValueError(
                f"expected a list of 1 to {self.candidates} items, as many as there are candidates; got {self.k}"
            )
        if self.demonstrations < 0 or self.pool < 1:
            raise ValueError(
                f"expected no fewer than 0 demonstrations and a pool of 1, got {self.demonstrations} and {self.pool}"
            )


@dataclass(frozen=True)
class LanguageRecommendation:
    """A list, and what the model was shown.

    Attributes:
        items: the best first, shape [k].
        scores: mean log-likelihood of each title, or what it gains by the prompt where scores are calibrated.
        demonstrations: that were shown, in the order of the prompt.
        effects: first-order effect of each on the title that stands first; positive means that it helped.
        prompt: the text that the model read before each title.
        cost: passes and tokens, the choice of demonstrations included.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.language_recommender import LanguageRecommender, load_template
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> split = generate_split(0, users=40, items=60)
        >>> decoder = tiny_decoder(context_length=512)
        >>> shop = LanguageRecommender.of(decoder, split, load_template("list"), longest=6, history=2, told=1)
        >>> made = shop.recommend(split.test, 0, ListRequest(candidates=5, selector="none", demonstrations=0, k=3))
        >>> len(made.items), len(made.demonstrations), made.effects.shape
        (3, 0, (0,))
    """

    items: Int[np.ndarray, " k"]
    scores: Float[np.ndarray, " k"]
    demonstrations: AskedDemonstrations
    effects: Float[np.ndarray, " K"]
    prompt: str
    cost: Cost


@dataclass(frozen=True)
class LanguageRecommender:
    """A decoder over one data set.

    Attributes:
        writer: of the prompts.
        pool: what may be demonstrated.
        recommender: the one-step recommender whose best items are the candidates.
        users: names of the users, in the order of the pool's numbers.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.language_recommender import load_template
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> split = generate_split(0, users=40, items=60)
        >>> decoder = tiny_decoder(context_length=512)
        >>> shop = LanguageRecommender.of(decoder, split, load_template("list"), longest=6, history=2, told=1)
        >>> wanted = ListRequest(candidates=5, selector="recent", demonstrations=2, k=3)
        >>> shop.recommend(split.test, 0, wanted).items.shape
        (3,)
    """

    writer: PromptWriter
    pool: DemonstrationPool
    recommender: Recommender
    users: tuple[str, ...]

    @classmethod
    def of(
        cls,
        decoder: LoadedDecoder,
        split: Split,
        template: PromptTemplate,
        *,
        history: int = HISTORY,
        told: int = TOLD,
        longest: int = LONGEST,
    ) -> "LanguageRecommender":
        """A decoder over everything that may be demonstrated to the test queries of a split.

        Args:
            decoder: with a tokenizer.
            split: the data, with titles.
            template: how histories become text.
            history: how many of the latest titles of who asks are written.
            told: how many of a demonstration's.
            longest: tokens that are kept of a title.

        Raises:
            ValueError: the decoder has no tokenizer, or the catalogue has no title.
        """
        if decoder.tokenizer is None:
            raise ValueError("the model has no tokenizer, so it cannot read titles; give a folder with tokenizer.json")
        titles = TitleTexts.of(split.catalogue, decoder.tokenizer, longest=longest)
        writer = PromptWriter(decoder, titles, template, history, told)
        context = split.context("test")
        recommender = Recommender(split.catalogue).fit(context, split.users)
        pool = DemonstrationPool.of(split.catalogue, context, titles.there, meta=recommender.meta, valid=split.valid)
        return cls(writer, pool, recommender, split.users)

    def shortlist(self, queries: Queries, count: int) -> Shortlist:
        """The candidates of some queries, from the one-step recommender."""
        return shortlist(self.recommender, queries, count, self.writer.titles.there)

    def recommend_to(self, user: str, wanted: ListRequest) -> LanguageRecommendation:
        """The best titles for a known user now, after the whole history.

        Raises:
            ValueError: there is no such user; and as for `recommend`.
        """
        self.recommender.memory.require_user(user)
        past, number = self.recommender.memory.past(user), self.users.index(user)
        # nobody reads the target of who asks now
        return self.recommend(Queries(np.array([number]), past, np.zeros(1, np.int64)), 0, wanted)

    def recommend(self, queries: Queries, number: int, wanted: ListRequest) -> LanguageRecommendation:
        """The best titles for one query.

        Args:
            queries: who asks; their targets are not read.
            number: which of them.
            wanted: the list, and by whom its demonstrations are chosen.

        Raises:
            ValueError: there is no such selector, it reads the answer, there are fewer items than candidates, no item
                of the history has a title where the selector needs one, or the prompt does not fit the context.
        """
        entry = selector_named(wanted.selector, served=True)
        one = queries.take(np.array([number]))
        history = one.histories.items.tolist()
        asked, rng = self.pool.asked(one, 0), np.random.default_rng(wanted.seed)
        few = short_pool(asked, max(wanted.pool, wanted.demonstrations))
        read = ReadPool(self.writer, few, history, wanted.seed)
        chosen = entry.select(asked, read, wanted.demonstrations, rng)
        chosen = chosen.take(np.arange(len(chosen))[::-1])
        items = self.shortlist(one, wanted.candidates).of(0)
        prompt = self.writer.prompt(history, chosen.transitions)
        scored = score_titles(self.writer, prompt, items)
        read.cost.add(1.0, scored.tokens)
        if wanted.calibrated:
            own = score_titles(self.writer, self.writer.unprompted(), items)
            read.cost.add(1.0, own.tokens)
            scored = scored.calibrated(own.likelihoods)
        order = np.argsort(-scored.likelihoods, kind="stable")[: wanted.k]
        effects = np.zeros(0)
        if len(chosen):
            loss = answer_loss(self.writer, prompt, int(items[order[0]]), room=self.writer.longest)
            made = rate_gradient(loss)
            read.cost.add(made.cost, len(loss.tokens))
            effects = made.values
        text = self.writer.tokenizer.decode(jnp.asarray(prompt.tokens), skip_special=False)
        return LanguageRecommendation(items[order], scored.likelihoods[order], chosen, effects, text, read.cost)
