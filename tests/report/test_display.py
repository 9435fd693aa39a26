"""Every object that shows itself: one screen of text, and HTML that is whole, fetches nothing and runs nothing."""

import importlib
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import treescope

from lrgd_jax.certify.answers.certificates import Certificate
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.certify.verdicts.conditions import Condition
from lrgd_jax.certify.verdicts.enclosures import Enclosure
from lrgd_jax.certify.verdicts.random_fields import Agreement, NotApplicable
from lrgd_jax.claims.certification import Certification, MutantLayers, ShapeCertificate
from lrgd_jax.claims.claim_template import claim
from lrgd_jax.claims.mutant import Misquotation
from lrgd_jax.claims.verdicts import Failure, MutantVerdict, Verdict
from lrgd_jax.display import HtmlDisplay
from lrgd_jax.dual import DualModel, FullBatchDescent, FunctionalDual, OnlineDescent
from lrgd_jax.experiments import find
from lrgd_jax.experiments.running.runner import Run
from lrgd_jax.recommend import Catalogue, Meta, Recommender, Sequences
from lrgd_jax.recommend.serving.named_explanation import NamedExplanation, NamedPart
from lrgd_jax.report.display import display_body, display_html
from lrgd_jax.report.mathml import formula, markdown_html

EVIL = '<script src="https://evil.example/x.js">alert(1)</script><img src=x onerror=alert(1)> \x1b[2J\u202e & "name"'
VOID = {"br", "meta", "img", "hr"}
SCREEN = 60
"""Lines of a terminal."""


class Page(HTMLParser):
    """What a browser would see: tags that close, attributes and words."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        # the lines of a list and of a paragraph need no end, but what is ended was begun
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def answer(kind, **more):
    """A certificate, a counterexample or neither, of functions with hostile names."""
    shared = {
        "functions": (EVIL, "right"),
        "relation": "equal",
        "shapes": EVIL,
        "exact": NotApplicable(EVIL),
        "rigorous": Enclosure(53, 0.5),
        "programs": ("a" * 64, "b" * 64),
        "seed": 0,
        "versions": {EVIL: EVIL},
    }
    return kind(**shared | more)


def model():
    keys, values = jnp.arange(6.0).reshape(3, 2), jnp.ones((3, 1))
    return DualModel.untrained(keys, values)


def recommender():
    past = Sequences.from_lists([[0, 1], [0, 1]])
    return Recommender(Catalogue(("atlas", EVIL)), Meta(similarity=0.0)).fit(past, [EVIL, "Bo"])


@cache
def shown() -> dict[str, Any]:
    """One of each, with a hostile name wherever a name may stand."""
    condition = Condition("pole", EVIL, EVIL)
    hostile = replace(
        claim,
        title=EVIL,
        statement=f"{EVIL} $x^2 <script>$ and $$\\no{{such}}$$",
        proof=f"[link](https://evil.example) ![p](x.png) {EVIL}",
        source=EVIL,
        assumptions=(EVIL,),
        group=EVIL,
        mutants=(
            replace(claim.mutants[0], name=EVIL, quoted=Misquotation(EVIL, EVIL, EVIL)),
            *claim.mutants[1:],
        ),
    )
    mutants = (MutantVerdict(EVIL, True, 1, None), MutantVerdict("b", False, 1, EVIL))
    verdict = Verdict(EVIL, EVIL, EVIL, "float32", False, 3, np.inf, None, mutants, 1.0, Failure(EVIL, {"n": 1}))
    agreement = Agreement(fields=(7, 11), degree=2, symbols=0, false_accept=0.5)
    shape = ShapeCertificate({"n": 2}, agreement, Enclosure(53, 0.0), ("a", "b"), conditions=(condition,))
    layers = (MutantLayers(EVIL, True, None),)
    contexts = find("contexts")
    functional = FunctionalDual.untrained(model().inputs, model().targets)
    known = recommender()
    return {
        "Certificate": answer(Certificate, points=2, notes=(EVIL,), conditions=(condition,)),
        "Certification": Certification(EVIL, (shape,), layers, 0, 1.0),
        "Claim": hostile,
        "Counterexample": answer(
            Counterexample,
            sizes={EVIL: 1},
            arguments={EVIL: np.ones((2, 3)), "big": np.ones(500)},
            numbers=EVIL,
            left=([EVIL],),
            right=(["1"],),
            apart="1.0",
            search=EVIL,
            constants=(condition,),
        ),
        "DualModel": model(),
        "FullBatchDescent": FullBatchDescent(model()),
        "FunctionalDual": functional,
        "KernelExpansion": functional.initial_function,
        "NamedExplanation": NamedExplanation(
            EVIL, EVIL, EVIL, 1, 1.0, 1.0, 0.0, (NamedPart("transition", EVIL, EVIL, (EVIL,), 1.0),), ((EVIL, 1.0),)
        ),
        "OnlineDescent": OnlineDescent(model()),
        "Recommended": known.recommend(EVIL, k=2, seen=True),
        "Recommender": known,
        "Recommender, not fitted": Recommender(Catalogue(("a",))),
        "Run": Run(
            "contexts", contexts.QUICK, [{"seed": 0}], {EVIL: EVIL, "rows": [{EVIL: EVIL, "x": 0.5}], "none": None}
        ),
        "Unrefuted": answer(Unrefuted, points=3, skipped=1, reason=EVIL, unreached=(EVIL,)),
        "Verdict": verdict,
    }


NAMES = sorted(
    [*(kind.__name__ for kind in display_body.registry if kind is not object), "Recommender, not fitted", "Run"]
)


def test_every_kind_is_shown_here():
    assert sorted(shown()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_html_is_whole_and_neither_runs_nor_fetches_anything(name):
    text = shown()[name]._repr_html_()
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "a", "base", "form"} & set(page.tags)
    assert not [key for key, _ in page.attributes if key in {"src", "href", "xlink:href"} or key.startswith("on")]
    # the one address is the name of a language, which no browser fetches
    said = text.replace('xmlns="http://www.w3.org/1998/Math/MathML"', "")
    assert "url(" not in said
    assert "@import" not in said
    assert "://" not in said.replace("https://evil.example", "")
    assert "prefers-color-scheme: dark" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script" not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_one_screen_and_acts_on_no_terminal(name):
    text = repr(shown()[name])
    assert text.count("\n") < SCREEN
    assert all(len(line) < 8 * 132 for line in text.splitlines())
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "Array(" not in text


def test_hostile_names_are_read_as_they_are_written():
    words = "".join(Page(shown()["Claim"]._repr_html_()).words)
    assert '<script src="https://evil.example/x.js">alert(1)</script>' in words
    assert "[link](https://evil.example)" in words
    assert "\\u001b[2J\\u202e" in words


def test_a_kind_that_nobody_described_says_so():
    class Other(HtmlDisplay):
        pass

    with pytest.raises(TypeError, match=r"nothing says how a Other looks; register .* lrgd_jax\.report\.display"):
        Other()._repr_html_()
    assert display_html.__module__ == importlib.import_module("lrgd_jax.display").WRITER


def test_a_model_whose_arrays_are_not_known_yet_shows_their_shapes():
    seen, known = [], model()

    def trace(keys):
        traced = known.replace(inputs=keys)
        seen.append((repr(traced), traced._repr_html_()))
        return keys

    jax.eval_shape(trace, jnp.ones((3, 2)))
    [(text, markup)] = seen
    assert f"inputs={jnp.ones(1).dtype}[3,2]" in text
    assert "Numbers of targets y" in markup
    assert "Numbers of inputs x" not in markup


def test_formulas_are_mathml_and_what_is_none_stays_as_it_is():
    assert "<msup>" in formula("x^2")
    assert formula("x" * 5000) == f"<code>{'x' * 5000}</code>"
    # the converter copies the text of a formula without escaping it
    for text in ("<script>alert(1)</script>", "<mi onclick=alert(1)>x</mi>", "</math><b>", "<mi href='x'>x</mi>"):
        said = formula(rf"\text{{{text}}}")
        assert said.startswith("<code>")
        assert "<" not in said.removeprefix("<code>").removesuffix("</code>")
    assert "<math" not in markdown_html("`$x$` costs $5 or \\$6$")
    assert "$x$" in markdown_html("`$x$`")
    assert markdown_html("\ue0000\ue001 $x$").count("<math") == 1


def test_models_are_trees_for_treescope():
    # it comes with flax; what it draws needs a script, so it stands beside the displays and not within them
    with treescope.active_autovisualizer.set_scoped(None):
        text = treescope.render_to_text(model())
    assert text.startswith("DualModel(")
    assert "targets=" in text
