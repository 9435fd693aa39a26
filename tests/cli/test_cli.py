"""The command line: output, JSON, exit codes, and one clear message for every wrong input."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tokenizers
from safetensors.numpy import save_file
from support.small_llama import config, shapes, write_model
from typer.testing import CliRunner

from lrgd_jax import __version__
from lrgd_jax.atomic import write_json
from lrgd_jax.certify.verdicts.enclosures import RADIUS
from lrgd_jax.certify.verdicts.random_fields import FALSE_ACCEPT
from lrgd_jax.cli import app

WRONG_SIGN = """
from dataclasses import replace
from proofs_checks import linear_attention
claim = replace(linear_attention.claim, slug="wrong-sign", group="user", right=linear_attention.step_uphill)
"""
SURVIVOR = """
from dataclasses import replace
from lrgd_jax.claims import Mutant
from proofs_checks.linear_attention import claim
claim = replace(claim, slug="survivor", mutants=(*claim.mutants, Mutant("no mutant at all", claim.right)))
"""
SIZES = {"vocabulary": 8, "context": 24}
PROMPT = "a b\nc d\nd a b"


def run(*arguments):
    result = CliRunner().invoke(app, [str(x) for x in arguments], catch_exceptions=False)
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def model(tmp_path):
    """A Hugging Face directory with a decoder of one layer and a tokenizer of single letters."""
    folder = tmp_path / "model"
    folder.mkdir()
    write_model(folder, **SIZES)
    words = {word: k for k, word in enumerate(["<unk>", "a", "b", "c", "d", "\n", " ", "e"])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_the_list_of_claims():
    result = run("claims")
    assert result.exit_code == 0
    assert "linear-attention" in result.stdout


def test_one_claim_is_markdown():
    result = run("claims", "linear-attention")
    assert result.exit_code == 0
    for heading in ("# Linear attention", "## Statement", "## Assumptions", "## Proof", "## Source", "## Mutants"):
        assert heading in result.stdout


def test_verify_writes_the_json(tmp_path):
    file = tmp_path / "out.json"
    result = run("verify", "linear-attention", "--instances", 2, "--seed", 7, "--json", file)
    assert result.exit_code == 0
    assert "linear-attention" in result.stdout
    content = json.loads(file.read_text())
    assert list(content) == ["version", "dtype", "seed", "complete", "constants", "claims", "model"]
    assert (content["version"], content["dtype"], content["seed"]) == (__version__, "float64", 7)
    assert content["model"] is None
    (claim,) = content["claims"]
    keys = {"slug", "group", "dtype", "holds", "instances", "worst_ratio", "detection_limit", "mutants", "seconds"}
    assert set(claim) == keys
    assert claim["holds"] is True
    assert 0 <= claim["worst_ratio"] <= 1
    assert all(mutant["rejected"] is True and set(mutant) == {"name", "rejected"} for mutant in claim["mutants"])
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_several_dtypes_without_mutants(tmp_path):
    file = tmp_path / "out.json"
    arguments = ("--dtype", "float64,float32", "--instances", 1, "--no-mutants", "--json", file)
    assert run("verify", "order-and-batching", *arguments).exit_code == 0
    content = json.loads(file.read_text())
    assert content["dtype"] == "float64,float32"
    assert [(claim["dtype"], claim["mutants"]) for claim in content["claims"]] == [("float64", []), ("float32", [])]


def test_exact_layers_in_the_json(tmp_path):
    file = tmp_path / "out.json"
    slugs = ("order-and-batching", "softmax-taylor-features", "softmax-random-features")
    result = run("verify", *slugs, "--exact", "--json", file)
    assert result.exit_code == 0, result.output
    exact, rigorous, statistical = json.loads(file.read_text())["claims"]
    assert set(exact["exact"]) == {"fields", "degree", "symbols", "false_accept", "cases", "left_out"}
    assert exact["exact"]["false_accept"] <= FALSE_ACCEPT
    assert {one["kind"] for one in exact["conditions"]} >= {"real numbers"}
    assert "order-and-batching, real numbers: evaluated in real arithmetic" in result.stdout
    assert all(mutant["exact"] and mutant["rigorous"] for mutant in exact["mutants"])
    assert "exact" not in rigorous
    assert "no order" in rigorous["reasons"]["exact"]
    assert rigorous["rigorous"]["radius"] <= RADIUS
    assert "statistical" in statistical["not_applicable"]
    assert [one["status"] for one in (exact, rigorous, statistical)] == ["certified", "points", "not applicable"]
    assert [one["certified"] for one in (exact, rigorous, statistical)] == [True, False, False]
    assert rigorous["points"]["compared"] > 20
    assert "not applicable" in result.stdout
    assert f"no ({rigorous['points']['compared']} points)" in result.stdout


def test_certificates_are_kept_and_evaluated_anew(tmp_path):
    kept = tmp_path / "kept"
    assert run("verify", "order-and-batching", "--instances", 1, "--certificates", kept).exit_code == 0
    certificate = json.loads((kept / "order-and-batching.json").read_text())
    assert certificate["exact"]["fields"]
    assert len(certificate["shapes"]) >= 3
    assert set(certificate["versions"]) >= {"lrgd_jax", "jax", "python-flint", "python"}
    again = run("recheck", kept)
    assert again.exit_code == 0, again.output
    assert "nothing" in again.stdout
    certificate["claim"] = "something-else"
    (kept / "order-and-batching.json").write_text(json.dumps(certificate))
    gone = run("recheck", kept, "--json", tmp_path / "recheck.json")
    assert gone.exit_code == 1
    said = json.loads((tmp_path / "recheck.json").read_text())
    assert said["complete"]
    assert [(one["claim"], one["holds"]) for one in said["certificates"]] == [("something-else", False)]
    assert "the claim is gone" in gone.stdout


def test_the_claims_of_one_part(tmp_path):
    file = tmp_path / "out.json"
    slugs = ("order-and-batching", "momentum")
    arguments = ("--group", "B", "--instances", 1, "--no-mutants", "--json", file)
    assert run("verify", *slugs, *arguments).exit_code == 0
    assert [claim["slug"] for claim in json.loads(file.read_text())["claims"]] == ["momentum"]


def test_a_wrong_claim_is_refuted_exactly(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text(WRONG_SIGN)
    result = run("verify", "wrong-sign", "--claims-path", file, "--instances", 1, "--exact", "--no-mutants")
    assert result.exit_code == 1
    assert "wrong-sign (exact layers)" in result.stdout
    assert "at a random point of GF(" in result.stdout
    assert "200 bits" in result.stdout


def test_a_wrong_sign_exits_1_and_shows_the_smallest_counterexample(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text(WRONG_SIGN)
    result = run("verify", "wrong-sign", "--claims-path", file, "--instances", 1)
    assert result.exit_code == 1
    assert "smallest counterexample" in result.stdout
    assert "n = 1, c = 0, d = 1, dv = 1" in result.stdout
    assert "values = [[1.0]]" in result.stdout


def test_a_surviving_mutant_exits_1_and_is_named(tmp_path):
    file = tmp_path / "survivor.py"
    file.write_text(SURVIVOR)
    result = run("verify", "survivor", "--claims-path", file, "--instances", 1)
    assert result.exit_code == 1
    assert "mutant not rejected: no mutant at all" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "linear-atention"), "did you mean 'linear-attention'"),
        (("claims", "linear-atention"), "did you mean 'linear-attention'"),
        (("verify", "linear-attention", "--dtype", "float16"), "unknown dtype 'float16'"),
        (("verify", "linear-attention", "--instances", 0), "at least 1"),
        (("verify", "--claims-path", "nowhere"), "nowhere"),
        (("verify", "--group", "Z"), "no claims of 'Z'; there are A (attention), B (optimisers), C (robustness), D"),
        (("verify", "linear-attention", "--json", "no/such/folder/out.json"), "no/such/folder"),
        (("verify", "linear-attention", "--certificates", __file__), "is a file"),
        (("recheck", "nowhere"), "no certificates in nowhere"),
        (("verify", "--prompt", "a"), "without --model"),
        (("verify", "--model", "nowhere"), "needs a prompt"),
        (("verify", "--model", "nowhere", "--prompt", "a", "--prompt-file", "b"), "give one of them"),
        (("verify", "--model", "nowhere", "--prompt-file", "nothing.txt"), "no prompt file nothing.txt"),
        (("verify", "--model", "nowhere", "--prompt", "a"), "nowhere is not a directory"),
        (("verify", "--model", "nowhere", "--prompt", "a", "--demonstrations", "x"), "number of lines"),
        (("verify", "--model", "nowhere", "--prompt", "a", "--demonstrations", "1:2:3"), "number of lines"),
    ],
)
def test_bad_input_exits_2_with_one_message(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("lrgd: ")
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("seed", [-1, 2**32, 10**30])
def test_a_seed_out_of_range_exits_2(seed):
    result = run("verify", "linear-attention", f"--seed={seed}")
    assert result.exit_code == 2
    assert result.stderr.count("--seed: expected a number of at") == 1


def test_a_prompt_file_that_is_not_utf8_is_named(tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_bytes(b"caf\xe9")
    complained(run("verify", "--model", "nowhere", "--prompt-file", file), f"{file} is not UTF-8 at byte 3")


def test_a_claims_file_that_exits_is_bad_input(tmp_path):
    file = tmp_path / "exits.py"
    file.write_text("import sys; sys.exit(0)")
    complained(run("verify", "--claims-path", file), "exits.py cannot be imported: SystemExit")


def verify_model(model, *arguments, prompt=PROMPT):
    return run("verify", "--model", model, "--prompt", prompt, *arguments)


def test_a_model_alone(model, tmp_path):
    file = tmp_path / "out.json"
    result = verify_model(model, "--steps", 50, "--json", file)
    assert result.exit_code == 0, result.output
    assert "cut to 11" in result.stdout
    content = json.loads(file.read_text())
    assert content["claims"] == []
    found = content["model"]
    assert found["holds"] is True
    assert found["tokens_identical"] is True
    assert (found["prompt_tokens"], found["demonstrations"], found["steps"]) == (13, 2, 11)
    assert found["logits"]["difference"] <= found["logits"]["bound"]
    assert len(found["layers"]) == 2


@pytest.mark.parametrize(("demonstrations", "count"), [("0", 0), ("1", 1), ("0:4,4:8", 2)])
def test_demonstrations_by_number_or_by_ranges(model, tmp_path, demonstrations, count):
    file = tmp_path / "out.json"
    result = verify_model(model, "--demonstrations", demonstrations, "--steps", 1, "--json", file)
    assert result.exit_code == 0, result.output
    assert json.loads(file.read_text())["model"]["demonstrations"] == count


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--demonstrations", "3"), "overlap the query"),
        (("--demonstrations=-1",), "overlap the query"),
        (("--demonstrations", "0:5,4:8"), "overlaps"),
        (("--demonstrations", "0:5,5:99"), "outside the prompt"),
        (("--demonstrations", "0:13"), "query is empty"),
        (("--steps=-1",), "must not be negative"),
    ],
)
def test_wrong_demonstrations(model, arguments, message):
    complained(verify_model(model, *arguments), message)


@pytest.mark.parametrize(("prompt", "message"), [("", "empty"), ("\n \n", "empty"), ("a b " * 9, "context holds 24")])
def test_wrong_prompts(model, prompt, message):
    complained(verify_model(model, prompt=prompt), message)


def test_a_truncated_checkpoint(model):
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    complained(verify_model(model), "truncated")


def test_a_weight_that_is_not_a_number(model):
    tensors = {name: np.ones(shape, np.float32) for name, shape in shapes(SIZES["vocabulary"]).items()}
    tensors["model.norm.weight"][2] = np.nan
    save_file(tensors, model / "model.safetensors")
    complained(verify_model(model), "model.norm.weight")


def test_an_unknown_architecture(model):
    (model / "config.json").write_text(json.dumps({**config(**SIZES), "architectures": ["XFor"], "model_type": "x"}))
    complained(verify_model(model), "config.json")


def test_a_checkpoint_without_tokenizer(model):
    (model / "tokenizer.json").unlink()
    complained(verify_model(model), "tokenizer.json")


def complained(result, message):
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("lrgd: ")
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_real_checkpoint_from_a_prompt_file(shared_data, tmp_path):
    (tmp_path / "prompt.txt").write_text("Tim saw a ball.\nLily saw\n")
    file = tmp_path / "prompt.txt"
    result = run("verify", "--model", shared_data / "stories260K", "--prompt-file", file, "--steps", 5)
    assert result.exit_code == 0, result.output
    assert "logits at every position" in result.stdout


def test_a_result_that_cannot_be_written_is_reported_after_the_table(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lrgd_jax.atomic.os.replace", full)
    result = run("verify", "order-and-batching", "--instances", 1, "--json", tmp_path / "out.json")
    assert "order-and-batching" in result.stdout
    complained(result, "No space left")
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_are_not_finite_become_null(tmp_path):
    write_json(tmp_path / "x.json", {"a": [float("inf"), {"b": float("nan")}, 1.5, None, True]})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": [None, {"b": None}, 1.5, None, True]}


def test_the_installed_command(tmp_path):
    program = "import sys; from lrgd_jax.cli import main; main()"
    out = tmp_path / "out.json"
    arguments = ["verify", "order-and-batching", "--instances", "1", "--json", str(out)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["claims"][0]["holds"] is True
    wrong = subprocess.run([sys.executable, "-c", program, "verify", "x"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("lrgd: there is no claim")
    assert "Traceback" not in wrong.stderr
