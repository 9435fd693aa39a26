"""Explanations are shown as tables, as JSON and as one page that needs nothing else, in whatever words they have."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from lrgd_jax.effect.prompt import Prompt
from lrgd_jax.effect.prompt_attribution import PromptAttribution, TokenProbability, units
from lrgd_jax.effect.scores import ScoreIntervals, Scores
from lrgd_jax.report.explanation import Explanation
from lrgd_jax.report.html import bar, decimal_format, escape_text, format_signed, heat_map, shade

EVIL = '<script>alert("x")</script>&amp; [red]rich[/red] \u202e\x07 naïve\n\n'
VALUES = np.array([0.5, -0.25, 1.75])
PARTS = np.random.default_rng(0).standard_normal((4, 2, 3))
PARTS = PARTS * VALUES / PARTS.sum(axis=(0, 1))
VOID = {"meta", "br"}


def attribution(**changes) -> PromptAttribution:
    prompt = Prompt(
        tokens=np.arange(12, dtype=np.int32),
        segments=np.array([0, 1, 1, 2, 2, 2, 3, 4, 4, 4, 4, 4]),
        target=(10, 12),
        always_seen=1,
        demonstrations=("one\n", EVIL, "three\n"),
        query=EVIL,
        answer=" <b>y",
    )
    found = PromptAttribution(
        prompt,
        Scores(VALUES, "a method", 17.5, 2.0, ScoreIntervals(VALUES - 0.5, VALUES + 0.5, 0.9), PARTS),
        zero_shot=2.5,
        few_shot=0.5,
        target=(TokenProbability(" <b>", 0.25, 0.5), TokenProbability("y", 0.125, 1.0)),
        alternatives=(TokenProbability("\n", 0.5, 0.0),),
        own=False,
        notes=("<i>beware</i>",),
        seconds={"weights": 1.0, "scores": 2.0},
    )
    return replace(found, **changes)


class Page(HTMLParser):
    """What a browser would see: tags that close, attributes, and text."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.words, self.attributes = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


@pytest.mark.parametrize("by", [None, "layer", "head"])
def test_the_page_is_whole_and_fetches_nothing(by):
    text = Explanation("smollm2", attribution(), by).html()
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "i "} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in {"src", "href"} or name.startswith("on")]
    assert "url(" not in text
    assert "://" not in text
    assert "default-src 'none'" in text
    words = "".join(page.words)
    # what was written is read as it was written, save for characters that cannot be seen
    assert '<script>alert("x")</script>&amp; [red]rich[/red] \\u202e\\u0007 naïve' in words
    assert "<i>beware</i>" in words
    assert text.count("<svg") == text.count("</svg>")
    assert ("One map a demonstration" in words) == (by == "head")


def test_the_page_tells_every_number():
    words = " ".join(Page(Explanation("smollm2", attribution(own=True), "head").html()).words)
    for told in (
        "+0.5",
        "−0.25",
        "+1.75",
        "+88%",
        "−12%",
        "2.5",
        "+0.800",
        "17.5",
        "0.0%",
        "90% interval",
        "␣<b>",
        "⏎",
    ):
        assert told in words
    assert "the model's own answer" in words
    assert "Demonstration 3 helps most (+1.75), demonstration 2 harms (−0.25)." in words


def test_a_cell_of_the_map_has_the_colour_of_its_sign():
    values = np.array([[1.0, -0.5], [0.0, 1e-9]])
    cells = [
        dict(attrs)
        for tag, attrs in _tags(heat_map(values, ["a", "b"], ["layer 1", "layer 2"], label="<x>"))
        if tag == "rect"
    ]
    assert [(cell["class"], cell.get("fill-opacity")) for cell in cells] == [
        ("helps", "1.00"),
        ("harms", "0.50"),
        ("frame", None),
    ]


def _tags(text):
    found = []

    class Seen(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, attrs))

        handle_startendtag = handle_starttag

    Seen().feed(text)
    return found


def test_bars_and_signs():
    assert shade(0.0, 0.0) == ("helps", 0.0)
    assert shade(-3.0, 1.0)[0] == "harms"
    assert shade(-3.0, 1.0)[1] == shade(1.0, 1.0)[1]
    assert 'x="110.0" y="3" width="0.0"' in bar(0.0, 0.0)
    assert [decimal_format(x) for x in (0.0, 0.02, 0.9, 3.0, 40.0, 5e6)] == [".3f", ".5f", ".4f", ".3f", ".2f", ".0f"]
    assert format_signed(-0.5) == "−0.5"
    assert format_signed(1e-9, ".0%") == "+0%"
    assert escape_text("<\u2028\n") == "&lt;\\u2028\n"


def test_the_json_holds_the_same():
    content = json.loads(Explanation("m", attribution(), "head").to_json())
    assert [one["score"] for one in content["demonstrations"]] == VALUES.tolist()
    assert [one["rank"] for one in content["demonstrations"]] == [2, 3, 1]
    assert [one["share"] for one in content["demonstrations"]] == (VALUES / 2).tolist()
    assert [one["tokens"] for one in content["demonstrations"]] == [2, 3, 1]
    assert content["demonstrations"][0]["lower"] == 0
    assert (content["effect"], content["completeness_gap"], content["forward_passes"]) == (0.8, 0.0, 17.5)
    assert np.shape(content["heads"]) == PARTS.shape
    assert (np.sum(content["heads"], axis=1) == content["layers"]).all()
    assert content["probabilities"][1] == {"token": "y", "zero_shot": 0.125, "few_shot": 1.0}
    assert "heads" not in Explanation("m", attribution()).to_dict()


@pytest.mark.parametrize("by", [None, "layer", "head"])
def test_the_tables_are_ranked_and_read_no_markup(by):
    console = Console(width=132, record=True)
    console.print(Explanation("m", attribution(), by))
    text = console.export_text()
    assert "[red]rich[/red]" in text
    places = [text.index(told) for told in ("+1.750", "+0.500", "-0.250")]
    assert places == sorted(places)
    assert "Effect_D +0.800" in text
    assert ("layer 4" in text) == (by is not None)
    assert ("head 2" in text) == (by == "head")


def test_where_there_is_no_effect_there_are_no_shares():
    bare = Scores(np.zeros(3), "leave-one-out", 4.0)
    found = attribution(zero_shot=0.0, few_shot=0.0, scores=bare)
    assert (found.relative, found.shares, found.gap, found.layers) == (None, None, None, None)
    explanation = Explanation("m", found, "head")
    content = json.loads(explanation.to_json())
    assert content["effect"] is None
    assert content["layers"] is None
    assert "No demonstration helps" in explanation.html()
    console = Console(width=132, record=True)
    console.print(explanation)
    assert "knows no parts by head" in console.export_text()


@pytest.mark.parametrize(("method", "remark"), [("attention", "no sign"), ("ridge-influence", "orders")])
def test_scores_that_are_no_nats_have_no_shares(method, remark):
    found = attribution(method=method)
    assert not found.in_nats
    assert (found.shares, found.gap) == (None, None)
    assert remark in units(method)
    explanation = Explanation("m", found)
    assert json.loads(explanation.to_json())["unit"] == "of the method"
    words = "".join(Page(explanation.html()).words)
    assert "units of the method" in words
    assert "helps most" not in words
    assert "Demonstration 3 has the largest score" in words
