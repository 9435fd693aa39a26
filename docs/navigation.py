"""The menu of the site: written pages by name, generated ones as they are found."""

from pathlib import Path

import yaml

from lrgd_jax.claims.claim_text import read_claim_texts
from lrgd_jax.claims.groups import GROUPS

DOCS = Path(__file__).resolve().parent

TUTORIALS = {
    "Attention is a gradient step": "notebooks/01_attention_is_a_gradient_step.md",
    "State and certify your own claim": "notebooks/02_state_and_certify_your_own_claim.md",
    "Which gradient descent is it": "notebooks/03_which_gradient_descent.md",
    "Perturb it, regularise it": "notebooks/04_perturbation_and_regularisation.md",
    "What a demonstration is worth": "notebooks/05_what_a_demonstration_is_worth.md",
    "An in-context recommender": "notebooks/06_an_in_context_recommender.md",
    "Which optimiser is this layer": "notebooks/07_which_optimiser_is_this_layer.md",
    "A language model recommends": "notebooks/08_a_language_model_recommends.md",
    "A claim in a file, a test-suite, a pipeline": "tutorials/own-claim.md",
    "A suite of your own": "tutorials/own-suite.md",
    "A real decoder as a chain of duals": "tutorials/decoder-chain.md",
    "Explain an answer by its demonstrations": "tutorials/explain.md",
    "Data for the recommender": "tutorials/data.md",
    "For people from PyTorch": "from-pytorch.md",
}
HOW_SURE = {
    "What a check is worth": "how-sure.md",
    "Do the tests notice": "mutation-testing.md",
    "Faults of kernels": "kernel-faults.md",
    "Wrong files": "wrong-files.md",
    "Primitives": "primitives.md",
}
THEORY = {
    "LRGD's questions, one by one": "questions.md",
    "What is and is not claimed": "claimed.md",
    "Where we sharpened it": "sharpened.md",
    "Commonly misquoted": "misquoted.md",
    "Which optimiser is this update": "which-optimiser.md",
    "The words": "glossary.md",
    "Notation": "notation.md",
}
MEASURED = {
    "Experiments": "experiments.md",
    "What a demonstration is worth": "effect.md",
    "The in-context recommender": "recommender.md",
    "What the benchmarks measure": "benchmarks.md",
    "The recommender, measured": "recommender-experiments.md",
    "A recommender under attack": "recommender-robustness.md",
    "A language model recommends": "language-recommender.md",
    "Speed": "speed.md",
}
REFERENCE = {
    "The command line": "command-line.md",
    "What may be relied on": "api-policy.md",
    "Design": "design.md",
}


def navigation():
    """The menu as the site's generator reads it."""
    return [
        {"Start here": "index.md"},
        {"Tutorials": entries(TUTORIALS)},
        {"Claims": ["claims/index.md", *claims_by_group()]},
        {"How sure are we": entries(HOW_SURE)},
        {"Theory": entries(THEORY)},
        {"Measured": entries(MEASURED)},
        {"Reference": [*entries(REFERENCE), {"API": pages_of("api")}]},
    ]


def entries(pages):
    """Titles and pages, one entry each."""
    return [{title: page} for title, page in pages.items()]


def claims_by_group():
    """The claims of each group by their names, which are shorter than their titles."""
    claims = read_claim_texts().values()
    return [
        {group.word.capitalize(): [{one.slug: f"claims/{one.slug}.md"} for one in claims if one.group == group.letter]}
        for group in GROUPS
    ]


def pages_of(folder):
    """The pages of a generated folder, its index first."""
    pages = sorted((DOCS / folder).glob("*.md"), key=lambda page: (page.name != "index.md", page.name))
    return [f"{folder}/{page.name}" for page in pages]


def write_navigation(file):
    """Writes the settings of the site with its menu; all else stands in mkdocs.yml."""
    file.write_text(yaml.safe_dump({"INHERIT": "mkdocs.yml", "nav": navigation()}, sort_keys=False))
