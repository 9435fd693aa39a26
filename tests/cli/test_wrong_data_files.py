"""Data, recommenders, runs and certificates that are damaged: refused by the commands that read them."""

import io
import json
import shutil
import zipfile

import numpy as np
import polars as pl
import pytest
from refusals import BROKEN_JSON, refusal, run

from lrgd_jax.outside import archives
from lrgd_jax.outside.digests import digests_of

TABLE = "user,item,rating\n" + "".join(f"u{u},i{(u + i) % 4},{i}\n" for u in range(4) for i in range(4))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An imported folder, and a recommender that was fitted on it."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "t.csv").write_text(TABLE)
    assert run("data", "import", "csv", folder / "t.csv", folder / "d", "--ordered").exit_code == 0
    assert run("recommend", "fit", "--data", folder / "d", "--out", folder / "m.npz").exit_code == 0
    return folder


@pytest.fixture
def data(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "here")


def evaluation(folder, *options):
    return refusal(folder, "recommend", "evaluate", "--data", folder / "d", *options, outputs=["--json"])


@pytest.mark.parametrize("kind", BROKEN_JSON)
def test_files_that_are_no_object_in_json(data, kind):
    (data / "meta.json").write_bytes(BROKEN_JSON[kind])
    assert "meta.json holds no meta-parameters" in evaluation(data, "--meta", data / "meta.json")
    (data / "runs").mkdir()
    for name in ("run.json", "config.toml", "results.parquet", "summary.json"):
        (data / "runs" / name).write_bytes(BROKEN_JSON[kind])
    assert "run.json" in refusal(data, "plot", data / "runs")
    assert "is no certificate" in refusal(data, "recheck", data / "runs")
    (data / "d" / "dataset.json").write_bytes(BROKEN_JSON[kind])
    assert "dataset.json is damaged" in evaluation(data)
    assert "dataset.json is damaged" in refusal(data, "data", "show", data / "d")


@pytest.mark.parametrize("table", ["catalogue", "users", "interactions"])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(40) + b"PAR1"])
def test_tables_that_are_no_parquet(data, table, content):
    (data / "d" / f"{table}.parquet").write_bytes(content)
    assert f"{table}.parquet" in evaluation(data)


def terabytes():
    """The header of an array of 8 TiB, with eight bytes after it."""
    array = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**40,)}
    np.lib.format.write_array_header_1_0(array, header)
    return array.getvalue() + bytes(8)


def of_terabytes(file):
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("more.npy", terabytes())


def of_broken_zlib(file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("items.npy", b"x" * 5000)
    raw = bytearray(file.read_bytes())
    raw[40:50] = b"\xff" * 10
    file.write_bytes(raw)


def of_nothing(file):
    file.write_bytes(b"")


def of_python_objects(file):
    np.savez(file, described=np.array([{}], object), allow_pickle=True)


@pytest.mark.parametrize("damage", [of_terabytes, of_broken_zlib, of_nothing, of_python_objects])
def test_a_recommender(data, damage):
    damage(data / "m.npz")
    told = ("recommend", "query", "--model", data / "m.npz", "--user", "u0")
    assert "m.npz cannot be read as a recommender" in refusal(data, *told, outputs=["--json"])


def told_too_much(folder, *arguments):
    """The option lifts the bound; what is wrong with the file beside its size is said then, or it is read."""
    message = refusal(folder, *arguments)
    assert "it unpacks to more than" in message
    assert "unpacks" not in run(*arguments, "--unpack-all").output
    return message


def test_arrays_that_unpack_to_too_much(data, monkeypatch):
    monkeypatch.setattr(archives, "FLOOR", 1000)
    with np.load(data / "m.npz") as stored:
        arrays = dict(stored)
    np.savez_compressed(data / "m.npz", **{**arrays, "rates": np.zeros(100_000)})
    message = told_too_much(data, "recommend", "query", "--model", data / "m.npz", "--user", "u0")
    assert "m.npz cannot be read as a recommender" in message


@pytest.mark.parametrize("table", ["catalogue", "users"])
@pytest.mark.parametrize("often", [False, True])
def test_texts_that_unpack_to_too_much(data, table, often, monkeypatch):
    """One long name, or a shorter one that a dictionary repeats."""
    monkeypatch.setattr(archives, "FLOOR", 1000)
    names = pl.Series("name", ["x" * 10_000]).gather([0] * 20) if often else pl.Series("name", ["x" * 1_000_000])
    file, index = data / "d" / f"{table}.parquet", data / "d" / "dataset.json"
    names.to_frame().write_parquet(file)
    assert f"{table}.parquet is damaged (its SHA-256" in evaluation(data)
    content = json.loads(index.read_text())
    index.write_text(json.dumps(content | {"digests": content["digests"] | digests_of([file])}))
    assert f"{table}.parquet is damaged" in told_too_much(data, "recommend", "evaluate", "--data", data / "d")


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (
            TABLE.replace(",3\n", ",NaN\n"),
            ["--rating", "rating"],
            "'rating': expected finite numbers, found 'NaN'",
        ),
        (TABLE, ["--rating", "rating", "--min-rating", "nan"], "the least rating is nan; expected a finite number"),
        (TABLE, ["--rating", "rating", "--min-rating", "9"], "nothing remains"),
        (TABLE, ["--separator", ""], "the separator is ''; expected one character"),
        (TABLE, ["--separator", "ab"], "the separator is 'ab'"),
        (TABLE, ["--separator", "\n"], "the separator is"),
        (TABLE, ["--separator", '"'], "the separator is"),
        ("user,item\nu,\nv,\n", [], "nothing remains"),
        (",".join("x" * 500 for _ in range(50)) + "\n1\n", [], "has no column 'user', 'item'"),
    ],
)
def test_a_table_of_interactions(tmp_path, content, options, said):
    (tmp_path / "t.csv").write_text(content)
    message = refusal(tmp_path, "data", "import", "csv", tmp_path / "t.csv", tmp_path / "new", "--ordered", *options)
    assert said in message
    assert len(message) < 2100


def test_users_without_items(tmp_path):
    (tmp_path / "lists.txt").write_text("u\nv\n")
    told = ("data", "import", "sequences", tmp_path / "lists.txt", tmp_path / "new")
    assert "no row names a user and an item" in refusal(tmp_path, *told)
