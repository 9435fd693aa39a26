"""A knob shows one picture at a time, without a script, and two of them on a page do not turn each other."""

import base64
import re

import pytest
from matplotlib.figure import Figure

from lrgd_jax.report.knob import Knob


def name_of(text):
    [name] = set(re.findall(r'name="(knob-[0-9a-f]+)"', text))
    return name


def figures(*heights):
    made = {}
    for height in heights:
        made[f"{height:g}"] = figure = Figure(figsize=(2, 1))
        figure.subplots().plot([0, height])
    return made


def test_every_setting_has_a_button_and_its_own_picture():
    text = Knob("height", figures(1, 2, 3), start="2")._repr_html_()
    assert re.findall(r'type="radio"[^>]*?id="([^"]+)"( checked)?', text) == [
        (f"{name_of(text)}-{k}", " checked" if k == 1 else "") for k in range(3)
    ]
    pictures = re.findall(r'alt="height (\d)" src="data:image/png;base64,([^"]+)"', text)
    assert [setting for setting, _ in pictures] == ["1", "2", "3"]
    assert len({picture for _, picture in pictures}) == 3
    for k in range(3):
        assert re.search(rf"#knob-\w+-{k}:checked ~ .frames .frame-{k} {{ display:block; }}", text)


def test_without_script_and_without_an_address():
    text = Knob("a < b", figures(1))._repr_html_()
    assert "a &lt; b" in text
    assert "<script" not in text
    assert not re.search(r"\son\w+=|https?:", text)
    # a page of Markdown takes HTML as it is up to the first empty line
    assert "\n\n" not in text


def test_what_shows_no_html_has_the_picture_that_is_shown_first():
    knob = Knob("height", figures(1, 2), start="2")
    picture = base64.b64encode(knob._repr_png_()).decode()
    assert f'alt="height 2" src="data:image/png;base64,{picture}"' in knob._repr_html_()


def test_two_knobs_have_names_of_their_own_and_the_same_knob_the_same_text():
    texts = [Knob("height", figures(*heights))._repr_html_() for heights in ((1, 2), (1, 3), (1, 2))]
    assert texts[0] == texts[2]
    assert name_of(texts[0]) != name_of(texts[1])


def test_a_knob_without_figures_or_with_an_unknown_start_is_refused():
    with pytest.raises(ValueError, match="a figure for every setting of 'height', got none"):
        Knob("height", {})
    with pytest.raises(ValueError, match="start must be one of the settings '1', '2' of 'height', got '3'"):
        Knob("height", figures(1, 2), start="3")
