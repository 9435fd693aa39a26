"""The folders of published data sets: what is learnt from, what is asked, and that nothing leaks between them."""

import gzip

import numpy as np
import polars as pl
import pytest

from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.ties import AS_STORED, TieRule


def write(file, text):
    with gzip.open(file, "wt") as stream:
        stream.write(text)


@pytest.fixture
def examples(tmp_path):
    """Two users, four items with gaps in their numbers, one repeated target, ties in time."""
    write(tmp_path / "items.csv.gz", 'item,asin,title\n3,A,"one, two"\n5,B,\n8,C,three\n9,D,four\n')
    write(
        tmp_path / "interactions.csv.gz",
        "user,item,rating,timestamp\nu,3,5,10\nu,5,4,20\nu,8,1,20\nv,9,3,5\nv,9,2,5\nv,3,5,30\nv,8,5,40\n",
    )
    write(
        tmp_path / "examples.csv.gz",
        "split,user,item,rating,timestamp,history_items,history_ratings,history_timestamps\n"
        "valid,u,8,1,20,3 5,5 4,10 20\nvalid,v,3,5,30,9,3,5\ntest,v,8,5,40,9 3,3 5,5 30\n"
        "test,v,8,5,40,9 3 8,3 5 5,5 30 40\n",
    )
    np.savez(tmp_path / "title_minilm_pca64.npz", item=np.array([8, 3]), emb=np.array([[1, 2], [3, 4]], np.float16))
    return tmp_path


def test_examples_are_the_source_s_own_and_what_they_ask_is_not_trained_on(examples):
    split = load_split(examples)
    assert split.users == ("u", "v")
    assert split.catalogue.names == ("3", "5", "8", "9")
    assert split.catalogue.titles == ("one, two", "", "three", "four")
    assert split.catalogue.vectors is not None
    assert split.catalogue.vectors.tolist() == [[3, 4], [0, 0], [1, 2], [0, 0]]
    assert [split.train.of(x).tolist() for x in (0, 1)] == [[0, 1], [3]]
    assert split.train.seconds.tolist() == [10, 20, 5]
    assert split.valid.users.tolist() == [0, 1]
    assert split.valid.targets.tolist() == [2, 0]
    assert split.valid.seconds.tolist() == [20, 30]
    assert [split.test.histories.of(x).tolist() for x in (0, 1)] == [[3, 0], [3, 0]]
    assert [split.test.seen.of(x).tolist() for x in (0, 1)] == [[3, 0], [3, 0, 2]]
    assert split.test.shared is not None
    assert (split.test.shared.tolist(), split.valid.histories.of(0).tolist()) == ([False, True], [0])
    stored = load_split(examples, AS_STORED)
    assert [stored.test.histories.of(x).tolist() for x in (0, 1)] == [[3, 0], [3, 0, 2]]
    assert stored.test.mates is None


def test_the_context_of_the_test_holds_every_event_once_in_order(examples):
    split = load_split(examples)
    context = split.context("test")
    assert [context.of(x).tolist() for x in (0, 1)] == [[0, 1, 2], [3, 0, 2]]
    assert context.seconds.tolist() == [10, 20, 20, 5, 30, 40]
    valid = split.context("valid")
    assert [valid.of(x).tolist() for x in (0, 1)] == [[0, 1, 2], [3, 0]]


def test_sequences_are_cut_by_leaving_the_last_two_out(tmp_path):
    write(tmp_path / "items.csv.gz", "item,text\n1,a\n2,b\n3,c\n4,d\n")
    write(tmp_path / "sequences_full.csv.gz", "user,items\nx,1 2 3 4\ny,2 1\nz,4 3 1\n")
    split = load_split(tmp_path)
    assert split.users == ("x", "z")
    assert [split.train.of(k).tolist() for k in (0, 1)] == [[0, 1], [3]]
    assert split.valid.targets.tolist() == [2, 2]
    assert split.test.targets.tolist() == [3, 0]
    assert [split.test.histories.of(k).tolist() for k in (0, 1)] == [[0, 1, 2], [3, 2]]
    assert split.context("valid") is not split.train
    assert [split.context("valid").of(k).tolist() for k in (0, 1)] == [[0, 1], [3]]
    assert [split.context("test").of(k).tolist() for k in (0, 1)] == [[0, 1, 2], [3, 2]]


def test_beauty_has_its_published_size(shared_data):
    split = load_split(shared_data / "amazon_beauty")
    assert len(split.users) == len(split.test) == len(split.valid) == 22_363
    assert len(split.catalogue) == 12_101
    assert len(split.train.items) + 2 * 22_363 == 198_502
    assert split.train.times is None
    np.testing.assert_array_equal(split.test.seen.lengths, split.train.lengths + 1)
    context = split.context("test")
    assert split.test.shared is not None
    assert context.tied.sum() == 77_402 - split.test.shared.sum()
    neighbours = np.flatnonzero(context.tied)
    # the order of a day is that of the items' names
    names = np.array(split.catalogue.names)
    asin = pl.read_csv(shared_data / "amazon_beauty" / "items.csv.gz")["asin"].to_numpy()
    assert len(asin) == len(names)
    assert (asin[context.items[neighbours - 1]] < asin[context.items[neighbours]]).all()
    stored = load_split(shared_data / "amazon_beauty", AS_STORED)
    np.testing.assert_array_equal(stored.test.histories.lengths, stored.train.lengths + 1)


@pytest.mark.parametrize("name", ["office", "cds", "industrial"])
def test_the_trio_s_context_is_its_interactions(shared_data, name):
    folder = shared_data / f"amazon_{name}"
    split = load_split(folder)
    past = pl.read_csv(folder / "interactions.csv.gz").unique(["user", "item", "timestamp"], maintain_order=True)
    context = split.context("test")
    np.testing.assert_array_equal(np.array(split.users, int)[context.owners], past["user"])
    np.testing.assert_array_equal(context.seconds, past["timestamp"])
    found = set(zip(context.owners.tolist(), context.items.tolist(), context.seconds.tolist(), strict=True))
    numbers = {name: k for k, name in enumerate(split.catalogue.names)}
    assert found == {(u, numbers[str(i)], t) for u, i, t in past.select("user", "item", "timestamp").iter_rows()}
    asked = pl.read_csv(folder / "examples.csv.gz")
    assert (len(split.valid), len(split.test)) == tuple((asked["split"] == part).sum() for part in ("valid", "test"))
    assert split.catalogue.vectors is not None
    assert len(split.catalogue.vectors) == len(split.catalogue)


@pytest.mark.parametrize("name", ["office", "cds", "industrial"])
def test_nothing_that_is_asked_is_trained_on(shared_data, name):
    split = load_split(shared_data / f"amazon_{name}")
    train = set(zip(split.train.owners.tolist(), split.train.items.tolist(), split.train.seconds.tolist(), strict=True))
    for queries in (split.valid, split.test):
        asked = zip(queries.users.tolist(), queries.targets.tolist(), queries.seconds.tolist(), strict=True)
        assert not train & set(asked)
        assert (queries.histories.seconds < queries.seconds[queries.histories.owners]).all()
        assert queries.mates is not None
        assert (queries.mates.seconds == queries.seconds[queries.mates.owners]).all()


def test_gaps_of_nothing_make_a_basket_and_a_shuffle_stays_within_it(tmp_path):
    write(tmp_path / "items.csv.gz", "item,text\n" + "".join(f"{k},t\n" for k in range(1, 8)))
    write(tmp_path / "sequences_full.csv.gz", "user,items,gaps_seconds\nx,1 2 3 4,0 9 0 0\ny,5 6 7,0 3 4\n")
    split = load_split(tmp_path)
    assert [split.test.histories.of(k).tolist() for k in (0, 1)] == [[0], [4, 5]]
    assert [split.test.seen.of(k).tolist() for k in (0, 1)] == [[0, 1, 2], [4, 5]]
    assert split.context("test").before.tolist() == [0, 1, 1, 0, 1]
    orders = set()
    for seed in range(20):
        drawn = load_split(tmp_path, TieRule("shuffle", seed))
        own = [*drawn.train.of(0), drawn.valid.targets[0], drawn.test.targets[0]]
        assert own[0] == 0
        assert sorted(own) == [0, 1, 2, 3]
        assert drawn.context("test").of(0).tolist() == own[:3] == drawn.test.histories.of(0).tolist()
        orders.add(tuple(own))
    assert len(orders) > 1
    write(tmp_path / "sequences_full.csv.gz", "user,items,gaps_seconds\nx,1 2 3 4,0 9 0\n")
    with pytest.raises(ValueError, match="as many gaps_seconds as items"):
        load_split(tmp_path)


def test_a_damaged_file_is_named(examples):
    whole = (examples / "examples.csv.gz").read_bytes()
    for wrong in (whole[: len(whole) // 2], b"no gzip at all", whole[:20] + b"\x00\x01\x02" + whole[23:]):
        (examples / "examples.csv.gz").write_bytes(wrong)
        with pytest.raises(ValueError, match=r"examples\.csv\.gz is a damaged gzip file"):
            load_split(examples)


@pytest.mark.parametrize("name", ["items.csv.gz", "interactions.csv.gz", "title_minilm_pca64.npz"])
def test_every_file_is_named_where_it_is_damaged(examples, name):
    (examples / name).write_bytes((examples / name).read_bytes()[:40])
    with pytest.raises(ValueError, match=f"{name} is .*damaged"):
        load_split(examples)


def test_vectors_that_do_not_fit_are_named(examples):
    file = examples / "title_minilm_pca64.npz"
    for rows in (np.ones((3, 2)), np.ones(2), np.full((2, 2), np.inf), None):
        named = {} if rows is None else {"emb": rows}
        np.savez(file, allow_pickle=False, item=np.array([8, 3]), **named)
        with pytest.raises(ValueError, match=r"pca64\.npz is damaged or holds no arrays item and emb \("):
            load_split(examples)


def test_a_missing_column_and_an_unknown_item_are_named(examples):
    write(examples / "interactions.csv.gz", "user,thing,timestamp\nu,3,10\n")
    with pytest.raises(ValueError, match=r"no column 'item'.*user, thing, timestamp"):
        load_split(examples)
    write(examples / "interactions.csv.gz", "user,item,timestamp\nu,7,10\n")
    with pytest.raises(ValueError, match="names '7'"):
        load_split(examples)
    write(examples / "interactions.csv.gz", "user,item,timestamp\nu,3,soon\n")
    with pytest.raises(ValueError, match="whole number of seconds"):
        load_split(examples)


def test_a_folder_without_data_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no data set"):
        load_split(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_split(tmp_path / "absent")


def test_there_are_two_parts(examples):
    with pytest.raises(ValueError, match="unknown part 'train'"):
        load_split(examples).queries("train")  # pyright: ignore[reportArgumentType]
