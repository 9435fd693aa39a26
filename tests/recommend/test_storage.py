"""A recommender in a file: the same scores, bit by bit; no pickle; wrong files are named."""

import json
import zipfile
from typing import Any

import numpy as np
import pytest
from recommend.histories import histories

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.forms.meta_parameters import TIMED
from lrgd_jax.recommend.serving.archive import fingerprint
from lrgd_jax.recommend.serving.recommender import Recommender
from lrgd_jax.recommend.serving.storage import load_recommender, save_recommender

SPLIT = generate_split(0, users=40, items=60)


def fitted(form="linear", options=None):
    past, rates = SPLIT.context("test"), np.random.default_rng(3)
    rates = rates.random(len(past.items))
    return Recommender(SPLIT.catalogue, form=form, options=options).fit(past, SPLIT.users, rates)


@pytest.mark.parametrize(("form", "options"), [("linear", None), ("softmax", {"temperature": 0.5})])
def test_a_loaded_recommender_scores_bit_by_bit_the_same(tmp_path, form, options):
    found = fitted(form, options)
    save_recommender(found, tmp_path / "m.npz")
    again = load_recommender(tmp_path / "m.npz", SPLIT.catalogue)
    assert np.array_equal(found.scores(SPLIT.test), again.scores(SPLIT.test))
    assert again.meta == TIMED
    assert again.catalogue.titles == SPLIT.catalogue.titles
    again.update("user-1", ["item-3"], [10**10])
    assert again.history("user-1")[-1] == 3


def test_after_edits_the_file_holds_what_is_left(tmp_path):
    found = fitted().erase("user-0")
    save_recommender(found, tmp_path / "m.npz")
    again = load_recommender(tmp_path / "m.npz")
    assert "user-0" not in again.memory.histories
    assert np.array_equal(found.memory.sums().toarray(), again.memory.sums().toarray())


def test_there_is_no_pickle_in_the_file(tmp_path):
    save_recommender(fitted(), tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype.kind in "iuf" for name in stored.files)


def test_another_catalogue_is_refused(tmp_path):
    save_recommender(fitted(), tmp_path / "m.npz")
    other = Catalogue(tuple(reversed(SPLIT.catalogue.names)))
    with pytest.raises(ValueError, match="another catalogue"):
        load_recommender(tmp_path / "m.npz", other)
    assert fingerprint(other) != fingerprint(SPLIT.catalogue)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "m.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.npz cannot be read"):
        load_recommender(tmp_path / "m.npz")


def test_a_file_of_something_else_is_named(tmp_path):
    text = np.frombuffer(json.dumps({"format": "other"}).encode(), np.uint8)
    np.savez(tmp_path / "m.npz", described=text)
    with pytest.raises(ValueError, match="no recommender of the format"):
        load_recommender(tmp_path / "m.npz")
    assert zipfile.is_zipfile(tmp_path / "m.npz")


def test_a_file_that_lacks_a_part_is_named(tmp_path):
    text = np.frombuffer(json.dumps({"format": "lrgd-recommender-1"}).encode(), np.uint8)
    np.savez(tmp_path / "m.npz", described=text)
    with pytest.raises(ValueError, match="lacks a part"):
        load_recommender(tmp_path / "m.npz")


def change(arrays, name, place, value):
    arrays[name] = np.array(arrays[name])
    arrays[name][place] = value


WRONG = {
    "starts: expected numbers that go up": lambda x: change(x, "starts", 1, x["starts"][2] + 1),
    "starts: expected whole numbers from 0": lambda x: change(x, "starts", 1, -1),
    "starts: expected the shape": lambda x: x.update(starts=x["starts"][1:]),
    "starts: expected whole numbers, got float64": lambda x: x.update(starts=x["starts"].astype(float)),
    "items: expected whole numbers from 0 to 59, got 60": lambda x: change(x, "items", 4, 60),
    "items: expected whole numbers from 0 to 59, got -1": lambda x: change(x, "items", 4, -1),
    "items: expected the shape": lambda x: x.update(items=x["items"][None]),
    "times: expected the shape": lambda x: x.update(times=x["times"][1:]),
    "times: expected numbers that do not go back": lambda x: change(x, "times", 0, 10**12),
    "rates: expected finite numbers, got nan": lambda x: change(x, "rates", 0, np.nan),
    "rates: expected numbers in floating point": lambda x: x.update(rates=x["items"]),
    "rates: expected the shape": lambda x: x.update(rates=x["rates"][:-1]),
    "vectors: expected the shape": lambda x: x.update(vectors=x["vectors"][1:]),
}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("form", "linear" * 1000, "unknown form 'linearlinear"),
        ("meta", {"window": -1}, "the window of a key"),
        ("meta", {"window": 10**30}, "Python int too large"),
    ],
)
def test_words_that_no_recommender_has_are_named_with_the_file(tmp_path, field, value, message):
    save_recommender(fitted(), tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as stored:
        arrays = dict(stored)
    described = json.loads(arrays["described"].tobytes())
    described[field] = {**described[field], **value} if isinstance(value, dict) else value
    arrays["described"] = np.frombuffer(json.dumps(described).encode(), np.uint8)
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ValueError, match=rf"m\.npz holds no recommender that can be \({message}") as refused:
        load_recommender(tmp_path / "m.npz")
    assert len(str(refused.value)) < 800


@pytest.mark.parametrize("message", WRONG)
def test_arrays_that_do_not_fit_are_named(tmp_path, message):
    save_recommender(fitted(), tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as stored:
        arrays = dict(stored)
    WRONG[message](arrays)
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ValueError, match=rf"m\.npz is damaged \({message}"):
        load_recommender(tmp_path / "m.npz")


def test_a_missing_file_and_an_unfitted_recommender(tmp_path):
    with pytest.raises(FileNotFoundError, match="lrgd recommend fit"):
        load_recommender(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="call fit first"):
        save_recommender(Recommender(SPLIT.catalogue), tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())


def test_recommend_leaves_out_what_was_had_and_names_wrong_questions():
    found = fitted()
    listed = found.recommend("user-1", 60)
    assert not set(listed.items) & set(found.history("user-1"))
    assert (np.diff(listed.scores) <= 0).all()
    by_history = found.recommend(history=found.history("user-1"), k=60)
    assert np.array_equal(by_history.items, listed.items)
    questions: Any = (
        ({"user": "usr-1"}, "near are 'user-1"),
        ({"user": "user-1", "k": 61}, "1 to 60"),
        ({}, "either the name"),
        ({"user": "user-1", "history": [1]}, "either the name"),
    )
    for question, message in questions:
        with pytest.raises(ValueError, match=message):
            found.recommend(**question)


def test_a_time_is_for_histories_with_times_only():
    catalogue = Catalogue(tuple(map(str, range(12))))
    found = Recommender(catalogue).fit(histories())
    with pytest.raises(ValueError, match="no times"):
        found.recommend("1", 3, time=5)
