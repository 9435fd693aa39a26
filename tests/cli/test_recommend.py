"""`lrgd recommend`: every command on the generated catalogue, and one clear message for each wrong input."""

import json
import shutil

import polars as pl
import pytest
from typer.testing import CliRunner

from lrgd_jax.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["recommend", *map(str, arguments)])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    file = tmp_path_factory.mktemp("recommender") / "m.npz"
    assert run("fit", "--out", file).exit_code == 0
    return file


def test_evaluate_writes_the_measures(tmp_path):
    result = run("evaluate", "--json", tmp_path / "r.json")
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["split"] == "test"
    assert found["users"] == 600
    assert 0 < found["NDCG@5"] < found["NDCG@10"] < found["HR@10"] < 1
    assert found["HR@5"] <= found["HR@10"]
    assert found["seconds"] >= found["seconds_scoring"] > 0
    low, high = found["HR@10 interval"]
    assert low <= found["HR@10"] <= high


def test_a_saved_recommender_is_evaluated_alike(fitted, tmp_path):
    for name, options in (("a", []), ("b", ["--model", fitted])):
        assert run("evaluate", "--json", tmp_path / f"{name}.json", *options).exit_code == 0
    first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in "ab")
    timings = {"seconds", "seconds_cpu", "seconds_scoring"}
    assert {k: v for k, v in first.items() if k not in timings} == {k: v for k, v in second.items() if k not in timings}


def test_query_shows_titles(fitted, tmp_path):
    result = run("query", "--model", fitted, "--user", "user-3", "-k", 4, "--json", tmp_path / "q.json")
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "q.json").read_text())["items"]
    assert len(rows) == 4
    assert all(row["title"] in result.output for row in rows)
    assert run("query", "--model", fitted, "--history", "item-3, item-4").exit_code == 0


def test_explain_as_table_page_and_picture(fitted, tmp_path):
    files = {kind: tmp_path / f"e.{kind}" for kind in ("json", "html", "png")}
    options = [part for kind, file in files.items() for part in (f"--{kind}", file)]
    result = run("explain", "--model", fitted, "--user", "user-3", "--item", "item-10", *options)
    assert result.exit_code == 0, result.output
    found = json.loads(files["json"].read_text())
    assert abs(found["total"] - found["score"]) <= found["bound"]
    assert abs(sum(part["part"] for part in found["parts"]) - found["score"]) <= 2 * found["bound"]
    page = files["html"].read_text()
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert found["item"] in page
    assert files["png"].read_bytes().startswith(b"\x89PNG")


def test_a_page_opens_with_why_and_says_what_was_had(fitted, tmp_path):
    page, listed = tmp_path / "e.html", tmp_path / "q.json"
    asked = ["--model", fitted, "--user", "user-3"]
    assert run("query", *asked, "-k", 40, "--seen", "--json", listed).exit_code == 0
    rows = json.loads(listed.read_text())["items"]
    had, new = (next(row for row in rows if row["had"] == wanted) for wanted in (True, False))
    for row, title in ((new, "Why user user-3 is shown"), (had, "which user user-3 has had already")):
        result = run("explain", *asked, "--item", row["item"], "--html", page)
        assert result.exit_code == 0, result.output
        opening = page.read_text().split("<h1>")[1].split('<p class="muted">')[0]
        assert title in opening
        assert " %)" in opening
        assert ("in no list" in opening) == row["had"]
        assert ("in no list" in result.stdout) == row["had"]


def test_lists_of_many_users_in_either_format(fitted, tmp_path):
    tables, names = {}, tmp_path / "names.txt"
    names.write_text("user-3\nuser-5\n")
    for kind in ("csv", "parquet"):
        file = tmp_path / f"l.{kind}"
        options = ["--users", f"@{names}", "-k", 4, "--deny", "item-1, item-2", "--json", tmp_path / "l.json"]
        assert run("lists", "--model", fitted, "--out", file, *options).exit_code == 0
        tables[kind] = pl.read_csv(file) if kind == "csv" else pl.read_parquet(file)
    assert tables["csv"].equals(tables["parquet"])
    assert json.loads((tmp_path / "l.json").read_text())["rows"] == 8
    asked = ["--model", fitted, "--user", "user-5", "--json", tmp_path / "q"]
    result = run("query", *asked, "-k", 4, "--deny", "item-1, item-2")
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "q").read_text())["items"]
    own = tables["csv"].filter(pl.col("user") == "user-5")
    assert own["item"].to_list() == [row["item"] for row in rows]
    assert own["score"].to_list() == [row["score"] for row in rows]
    allowed = run("query", *asked, "--allow", "item-7")
    assert allowed.exit_code == 0, allowed.output
    assert [row["item"] for row in json.loads((tmp_path / "q").read_text())["items"]] == ["item-7"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "l.txt"], "expected a name that ends in .parquet or .csv"),
        (["--out", "l.csv", "--allow", "item-1,itm-2"], "no item 'itm-2'"),
        (["--out", "l.csv", "--users", "usr-3"], "no user 'usr-3'"),
        (["--out", "l.csv", "--users", "@none.txt"], "there is no list for --users none.txt"),
        (["--out", "l.csv", "-k", "0"], "k = 0: expected 1 to 300"),
        (["--out", "l.csv", "-k", "2.5"], "2.5"),
        (["--out", "l.csv", "--meta", "m.json"], "give --model or --meta, not both"),
    ],
)
def test_wrong_wishes_for_many_lists_are_one_message(fitted, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    result = run("lists", "--model", fitted, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_learned_meta_parameters_are_used(tmp_path):
    learned = tmp_path / "meta.json"
    result = run("learn", "--steps", 3, "--batches", 1, "--json", learned)
    assert result.exit_code == 0, result.output
    assert run("evaluate", "--meta", learned, "--json", tmp_path / "r.json").exit_code == 0
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["meta decay"] == json.loads(learned.read_text())["meta"]["decay"]


def test_changes_are_kept_by_the_command_line(fitted, tmp_path):
    file, out = tmp_path / "m.npz", tmp_path / "r.json"
    shutil.copy(fitted, file)
    model = ["--model", file, "--json", out]
    later = ["--time", 10**10]
    assert run("update", *model, "--user", "new", "--item", "item-3", "--item", "item-4", *later, *later).exit_code == 0
    assert json.loads(out.read_text()) == {"user": "new", "items": 2, "change": 1}
    assert run("add-item", *model, "--item", "rope", "--title", "blue rope").exit_code == 0
    assert run("erase", *model, "--user", "user-3").exit_code == 0
    assert "no user 'user-3'" in run("query", "--model", file, "--user", "user-3").stderr
    assert "would lose them" in run("fit", "--out", file).stderr
    assert "those that came after its fit" in run("evaluate", "--model", file).stderr
    assert run("compact", *model).exit_code == 0
    assert json.loads(out.read_text())["changes"] == 3
    assert run("query", "--model", file, "--user", "new").exit_code == 0
    wrong = run("update", *model, "--user", "new", "--item", "item-3")
    assert wrong.exit_code == 2
    assert wrong.stderr == "lrgd: these histories have times: give one with every interaction\n"


WRONG = {
    "k larger than the catalogue": (["query", "--user", "user-3", "-k", "301"], "1 to 300"),
    "k not positive": (["query", "--user", "user-3", "-k", "0"], "1 to 300"),
    "unknown user": (["query", "--user", "usr-3"], "near are 'user-3'"),
    "unknown item": (["explain", "--user", "user-3", "--item", "itm-10"], "near are 'item-10'"),
    "unknown item of a history": (["query", "--history", "item-3,nothing"], "no item 'nothing'"),
    "neither user nor history": (["query"], "either --user"),
    "unknown form": (["evaluate", "--form", "cubic"], "unknown form 'cubic'"),
    "a form that cannot be explained": (
        ["explain", "--user", "user-3", "--item", "item-1", "--form", "ridge"],
        "mixes its demonstrations",
    ),
    "no rows": (["explain", "--user", "user-3", "--item", "item-1", "--top", "0"], "--top must be"),
    "no steps": (["learn", "--steps", "0"], "--steps must be at least 1, got 0"),
    "no batches": (["learn", "--batches", "0"], "--batches must be at least 1, got 0"),
    "no learning rate": (["learn", "--rate", "0"], "--rate must be a positive number, got 0.0"),
    "no temperature": (["learn", "--temperature", "-1"], "--temperature must be a positive number, got -1.0"),
    "no data": (["evaluate", "--data", "nowhere"], "no folder nowhere"),
    "no model file": (["query", "--user", "user-3", "--model", "none.npz"], "no file none.npz"),
    "no meta file": (["evaluate", "--meta", "none.json"], "no file none.json"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_message(case, tmp_path):
    arguments, message = WRONG[case]
    file = tmp_path / "out.json"
    result = run(*arguments, "--json", file)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_file_without_meta_parameters_is_refused(tmp_path):
    (tmp_path / "no.json").write_text("{}")
    wrong = run("evaluate", "--meta", tmp_path / "no.json")
    assert wrong.exit_code == 2
    assert "holds no meta-parameters" in wrong.stderr


def test_the_baseline_is_measured_on_the_same_queries(tmp_path):
    assert run("evaluate", "--baseline", "--json", tmp_path / "r.json").exit_code == 0
    found = json.loads((tmp_path / "r.json").read_text())
    low, high = found["NDCG@10 above baseline interval"]
    assert low <= found["NDCG@10 above baseline"] <= high
    # two means of 600 values and their difference
    rounding = 3 * found["users"] * 2.0**-53
    difference = found["NDCG@10"] - found["baseline NDCG@10"]
    assert abs(difference - found["NDCG@10 above baseline"]) <= rounding


def test_a_recommender_of_another_catalogue_is_refused(fitted, shared_data):
    result = run("query", "--model", fitted, "--data", shared_data / "amazon_office", "--user", "user-3")
    assert result.exit_code == 2
    assert "another catalogue" in result.stderr


def test_a_folder_that_is_not_there_is_named_before_anything_is_computed(tmp_path):
    result = run("fit", "--out", tmp_path / "none" / "m.npz")
    assert result.exit_code == 2
    assert "make it first" in result.stderr


@pytest.mark.slow
def test_beauty_reaches_the_goal(shared_data, tmp_path):
    assert run("evaluate", "--data", shared_data / "amazon_beauty", "--json", tmp_path / "r.json").exit_code == 0
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["users"] == 22_363
    # as measured, less three standard errors of a share over all users
    share, users = found["HR@10"], found["users"]
    assert share >= 0.105 - 3 * (share * (1 - share) / users) ** 0.5
