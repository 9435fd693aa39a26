"""Language models that recommend from demonstrations: prompts of titles, shortlists, selectors, adapted rates."""

from lrgd_jax.language_recommender.constrained_generation import WrittenTitle, write_titles
from lrgd_jax.language_recommender.demonstration_effects import (
    DemonstrationEffects,
    answer_loss,
    effects_under_perturbation,
    measure_effects,
    removal_effects,
)
from lrgd_jax.language_recommender.demonstration_pool import AskedDemonstrations, DemonstrationPool
from lrgd_jax.language_recommender.language_recommender import LanguageRecommendation, LanguageRecommender, ListRequest
from lrgd_jax.language_recommender.prompt_templates import PromptTemplate, load_template, template_names
from lrgd_jax.language_recommender.prompts import PromptWriter, TitledTransition
from lrgd_jax.language_recommender.read_pool import Cost, ReadPool
from lrgd_jax.language_recommender.selectors import SELECTORS, SelectorEntry, selector_named, short_pool
from lrgd_jax.language_recommender.shortlist import Shortlist, shortlist
from lrgd_jax.language_recommender.title_scores import TitleScores, own_likings, score_titles
from lrgd_jax.language_recommender.title_texts import TitleTexts
from lrgd_jax.language_recommender.title_trie import TitleTrie

__all__ = [
    "SELECTORS",
    "AskedDemonstrations",
    "Cost",
    "DemonstrationEffects",
    "DemonstrationPool",
    "LanguageRecommendation",
    "LanguageRecommender",
    "ListRequest",
    "PromptTemplate",
    "PromptWriter",
    "ReadPool",
    "SelectorEntry",
    "Shortlist",
    "TitleScores",
    "TitleTexts",
    "TitleTrie",
    "TitledTransition",
    "WrittenTitle",
    "answer_loss",
    "effects_under_perturbation",
    "load_template",
    "measure_effects",
    "own_likings",
    "removal_effects",
    "score_titles",
    "selector_named",
    "short_pool",
    "shortlist",
    "template_names",
    "write_titles",
]
