"""`--ties` from a file of lists with gaps to metrics, saved recommenders and learned numbers."""

import json

import pytest
from refusals import refusal, run

from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.ties import TieRule
from lrgd_jax.recommend.measure.evaluation import evaluate
from lrgd_jax.recommend.serving.recommender import Recommender
from lrgd_jax.recommend.serving.storage import load_recommender, save_recommender

ITEMS, USERS = 7, 8
TIMINGS = {"seconds", "seconds_cpu", "seconds_scoring"}
SHUFFLE = ["--ties", "shuffle", "--ties-seed"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Lists of five items: one, then a basket of two, then the other two in a basket (even users) or not (odd ones)."""
    folder = tmp_path_factory.mktemp("ties")
    rows = [
        f"u{u},{' '.join(f'i{(u + 2 * k + u * k % 2) % ITEMS}' for k in range(5))},0 60 0 60 {60 * (u % 2)}"
        for u in range(USERS)
    ]
    (folder / "lists.csv").write_text("\n".join(["user,items,gaps_seconds", *rows, "nobody,,"]) + "\n")
    made = run("data", "import", "sequences", folder / "lists.csv", folder / "d", "--duplicates", "keep")
    assert made.exit_code == 0, made.output
    assert f"whose order is unknown (kept): {USERS + USERS // 2}" in made.stdout
    return folder / "d"


def evaluated(folder, *options):
    done = run("recommend", "evaluate", *options, "--json", folder / "r.json")
    assert done.exit_code == 0, done.output
    return {name: value for name, value in json.loads((folder / "r.json").read_text()).items() if name not in TIMINGS}


def test_lists_with_gaps_become_baskets(data):
    split = load_split(data)
    assert split.train.times is None
    assert split.users == tuple(f"u{u}" for u in range(USERS))
    assert split.context("test").before.reshape(USERS, 4).tolist() == [[0, 1, 1, 3]] * USERS
    assert split.test.histories.lengths.tolist() == [3, 4] * (USERS // 2)
    assert split.test.seen.lengths.tolist() == [4] * USERS


@pytest.mark.parametrize("rule", [TieRule("basket"), TieRule("as-stored"), TieRule("shuffle", 5)], ids=lambda x: x.kind)
def test_the_command_line_measures_what_the_package_does(rule, data, tmp_path):
    options = ["--ties", rule.kind, *([] if rule.seed is None else ["--ties-seed", rule.seed])]
    result = evaluated(tmp_path, "--data", data, "--baseline", *options)
    split = load_split(data, rule)
    measured = evaluate(Recommender(split.catalogue).fit(split.context("test"), split.users), split)
    assert {name: result[name] for name in measured.means()} == measured.means()
    assert (result["ties"], result["ties seed"]) == (rule.kind, rule.seed)
    groups = {name: group.means() for name, group in measured.groups().items()}
    assert {name: {x: group[x] for x in groups[name]} for name, group in result["targets"].items()} == groups
    assert sum(group["queries"] for group in result["targets"].values()) == USERS
    hits = [round(x["HR@5"] * x["queries"]) for x in (result, *result["targets"].values())]
    assert hits[0] == sum(hits[1:])


def test_a_seed_is_an_order(data, tmp_path):
    first, again = (evaluated(tmp_path, "--data", data, *SHUFFLE, 1) for _ in range(2))
    assert first == again
    targets = {tuple(load_split(data, TieRule("shuffle", seed)).test.targets) for seed in range(6)}
    assert len(targets) > 1


def test_a_saved_recommender_keeps_its_baskets(data, tmp_path):
    model = tmp_path / "m.npz"
    assert run("recommend", "fit", "--data", data, "--out", model).exit_code == 0
    whole = evaluated(tmp_path, "--data", data)
    assert evaluated(tmp_path, "--data", data, "--model", model) == whole
    said = refusal(tmp_path, "recommend", "evaluate", "--data", data, "--model", model, "--ties", "as-stored")
    assert "reads interactions of one time as a basket: give --ties basket" in said
    stored = tmp_path / "s.npz"
    assert run("recommend", "fit", "--data", data, "--out", stored, "--ties", "as-stored").exit_code == 0
    said = refusal(tmp_path, "recommend", "evaluate", "--data", data, "--model", stored)
    assert "in an order: give --ties as-stored, or shuffle, or fit anew with --ties basket" in said
    assert evaluated(tmp_path, "--data", data, "--model", stored, "--ties", "as-stored")["ties"] == "as-stored"


def test_a_saved_recommender_is_updated_by_baskets(data, tmp_path):
    split, model = load_split(data), tmp_path / "m.npz"
    basket, other = ["i1", "i3", "i5"], ["i5", "i1", "i3"]
    known = Recommender(split.catalogue).fit(split.context("test"), split.users)
    save_recommender(known.update("u1", basket, together=True), model)
    again = load_recommender(model, split.catalogue)
    again.update("u2", other, together=True).update("fresh", ["i0"]).update("fresh", basket, together=True)
    past = again.memory.past("u1")
    assert past.before.tolist() == [0, 1, 1, 3, 4, 4, 4]
    assert again.memory.past("fresh").before.tolist() == [0, 1, 1, 1]
    save_recommender(again, model)
    right = Recommender(split.catalogue).fit(split.context("test"), split.users)
    right.update("u1", other, together=True).update("u2", basket, together=True)
    right.update("fresh", ["i0"]).update("fresh", other, together=True)
    for user in ("u1", "u2", "fresh"):
        done = run("recommend", "query", "--model", model, "--user", user, "--json", tmp_path / "q.json")
        assert done.exit_code == 0, done.output
        listed = json.loads((tmp_path / "q.json").read_text())["items"]
        expected = right.recommend(user)
        assert [row["item"] for row in listed] == [split.catalogue.names[x] for x in expected.items]
        assert [row["score"] for row in listed] == expected.scores.tolist()


def test_learning_on_a_tiny_catalogue_is_judged_at_its_size(data, tmp_path):
    file = tmp_path / "meta.json"
    options = ["--data", data, *SHUFFLE, 2, "--steps", 1, "--batches", 1]
    done = run("recommend", "learn", *options, "--json", file)
    assert done.exit_code == 0, done.output
    result = json.loads(file.read_text())
    assert (result["ties"], result["ties seed"]) == ("shuffle", 2)
    assert {f"{metric}@{ITEMS} {when}" for metric in ("HR", "NDCG") for when in ("before", "after")} <= result.keys()
    assert not any("@10" in name or "@5" in name for name in result)
    assert evaluated(tmp_path, "--data", data, "--meta", file)["meta decay"] == result["meta"]["decay"]


@pytest.mark.parametrize("command", [["evaluate"], ["fit", "--out", "m.npz"], ["learn"]], ids=lambda x: x[0])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ties", "some"], "--ties some: expected basket, shuffle or as-stored"),
        (["--ties", "shuffle"], "--ties shuffle needs --ties-seed"),
        (["--ties-seed", "1"], "no other rule takes one"),
        (["--ties", "as-stored", "--ties-seed", "1"], "no other rule takes one"),
    ],
)
def test_wrong_rules_are_one_message(command, options, said, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refusal(tmp_path, "recommend", *command, "--data", data, *options)
