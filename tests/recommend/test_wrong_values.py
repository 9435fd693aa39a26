"""Names and numbers never mix: repeated names, fractions, flags, NaN and lengths that differ are refused by name."""

import gzip
import math

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import COUNT_BITS, GRID, LARGEST_POWER, HistoryKeys
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.serving.recommender import Recommender

NAMES = ("atlas", "lamp", "tent")


@pytest.fixture(scope="module")
def fitted():
    return Recommender(Catalogue(NAMES)).fit(Sequences.from_lists([[0, 1], [0, 2], [0, 1]]), ["Ada", "Bo", "Cy"])


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"names": ("a", "b", "a")}, "the catalogue names 'a' twice"),
        ({"titles": ("A",)}, "3 items and 1 titles"),
        ({"vectors": np.zeros((2, 4))}, "3 items and 2 vectors"),
        ({"vectors": np.full((3, 4), math.nan)}, "infinite or not a number"),
    ],
)
def test_catalogues(parts, said):
    with pytest.raises(ValueError, match=said):
        Catalogue(**{"names": NAMES, **parts})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"user": "Ada", "k": 2.5}, "k: expected a whole number, got 2.5"),
        ({"user": "Ada", "k": True}, "k: expected a whole number, got True"),
        ({"user": "Ada", "k": math.nan}, "k: expected a whole number, got nan"),
        ({"user": "Ada", "k": 4}, "k = 4: expected 1 to 3"),
        ({"user": 0}, "user: expected a name, which is a text, got 0"),
        ({"history": [0.5]}, "an item of a history: expected a whole number, got 0.5"),
        ({"history": [math.nan]}, "an item of a history: expected a whole number, got nan"),
        ({"history": [3]}, "an item of a history: expected a whole number from 0 to 2, got 3"),
        ({"history": [-1]}, "an item of a history: expected a whole number from 0 to 2, got -1"),
    ],
)
def test_queries(fitted, options, said):
    with pytest.raises(ValueError, match=said):
        fitted.recommend(**options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, ["lamp"]), "user: expected a name"),
        (("Ada", [1.5]), "item: expected a whole number, got 1.5"),
        (("Ada", [3]), "items are numbered from 0 to 2, got 3"),
        (("Ada", ["lamp"], [1, 2]), "expected one time for each of 1 items, got 2"),
        (("Ada", ["lamp"], [math.nan]), "time: expected a whole number, got nan"),
    ],
)
def test_updates(fitted, arguments, said):
    before = fitted.memory.sequences().items.tolist()
    with pytest.raises(ValueError, match=said):
        fitted.update(*arguments)
    assert fitted.memory.sequences().items.tolist() == before
    with pytest.raises(ValueError, match="user: expected a name"):
        fitted.erase(0)


def test_a_short_list_where_nobody_says_how_long(fitted):
    assert len(fitted.recommend(history=[]).items) == len(NAMES)


@pytest.mark.parametrize(
    ("sequences", "rates", "said"),
    [
        (Sequences(np.array([0, 2]), np.array([0.0, 1.0])), None, "items: expected whole numbers, got float64"),
        (Sequences(np.array([0, 2]), np.array([0, 3])), None, "items: expected whole numbers from 0 to 2, got 3"),
        (Sequences(np.array([0, 2]), np.array([0, 1]), np.array([1, 2, 3])), None, r"times: expected the shape \[2\]"),
        (Sequences.from_lists([[0, 1]]), np.array([1.0, math.nan]), "rates: expected finite numbers, got nan"),
        (Sequences.from_lists([[0, 1]]), np.array([1.0]), r"rates: expected the shape \[2\], got \[1\]"),
    ],
)
def test_fits(sequences, rates, said):
    with pytest.raises(ValueError, match=said):
        Recommender(Catalogue(NAMES)).fit(sequences, ["Ada"], rates)


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("item\n", "no item"),
        ("item,title\na,A\n,B\n", "row 2 after the header has no item"),
        ("item\na\nb\na\n", "has item 'a' twice"),
    ],
)
def test_published_catalogues(tmp_path, items, said):
    (tmp_path / "items.csv.gz").write_bytes(gzip.compress(items.encode()))
    (tmp_path / "sequences_full.csv.gz").write_bytes(gzip.compress(b"user,items\nu,a b c\n"))
    with pytest.raises(ValueError, match=said):
        load_split(tmp_path)


@pytest.mark.parametrize("name", ["key_scaling", "target_scaling", "feature_scaling"])
@pytest.mark.parametrize("power", [-1e3, 20.0, math.inf, math.nan])
def test_powers_of_counts_beyond_all_numbers(name, power):
    with pytest.raises(ValueError, match=f"{name} must be from -18.7 to 18.7, got {power}"):
        Meta(**{name: power})


@pytest.mark.parametrize("power", [-LARGEST_POWER, LARGEST_POWER])
def test_the_largest_powers_of_counts_are_numbers(power):
    largest = np.float64(2.0**COUNT_BITS)
    assert np.isfinite([1 / largest**power / GRID, largest**-power]).all()
    HistoryKeys(scaling=power)
    with pytest.raises(ValueError, match="the scaling of a key must be from"):
        HistoryKeys(scaling=power * (1 + np.finfo(float).eps))
