"""A catalogue of four items is a catalogue: imported, evaluated, queried, explained."""

import json

import pytest
from refusals import refusal, run

USERS = 5


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    rows = ["user,item"] + [f"u{u},i{(u * u + i) % 4}" for u in range(USERS) for i in range(3)]
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    made = run("data", "import", "csv", folder / "t.csv", folder / "d", "--ordered")
    assert made.exit_code == 0, made.output
    return folder / "d"


def test_it_is_evaluated_at_its_own_size(data, tmp_path):
    result = run("recommend", "evaluate", "--data", data, "--baseline", "--json", tmp_path / "r.json")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "r.json").read_text())
    # a list of all items has every item that is wanted
    assert content["HR@4"] == content["baseline HR@4"] == 1
    assert 0 < content["NDCG@4"] <= 1
    assert "NDCG@4 interval" in content
    assert not any("@10" in name or "@5" in name for name in content)


def test_it_is_queried_and_explained(data, tmp_path):
    result = run("recommend", "query", "--data", data, "--history", "i0", "--json", tmp_path / "q.json")
    assert result.exit_code == 0, result.output
    assert {row["item"] for row in json.loads((tmp_path / "q.json").read_text())["items"]} <= {"i1", "i2", "i3"}
    assert run("recommend", "explain", "--data", data, "--user", "u0", "--item", "i3").exit_code == 0
    assert "k = 5: expected 1 to 4" in refusal(tmp_path, "recommend", "query", "--data", data, "--user", "u0", "-k", 5)
