"""`lrgd certify`: certificates, counterexamples, JSON, exit codes, and one clear message for every wrong input."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from lrgd_jax.cli import app
from lrgd_jax.cli.errors import ONLY_POINTS

CHUNKED = """
import jax
import jax.numpy as jnp

CHUNK = 3


def f(q, k, v):
    n, d = q.shape
    state = jnp.zeros((d, v.shape[1]), q.dtype)
    rows = []
    for start in range(0, n, CHUNK):
        a, b, c = (x[start : start + CHUNK] for x in (q, k, v))
        rows.append(a @ state + jnp.tril(a @ b.T) @ c)
        state = state + b.T @ c
    return jnp.concatenate(rows)
"""
DROPPED = CHUNKED.replace("b.T @ c\n", "b[: CHUNK - 1].T @ c[: CHUNK - 1]\n")
QUADRATIC = """
import jax.numpy as jnp

table = jnp.ones(3)


def g(q, k, v):
    return jnp.tril(q @ k.T) @ v


def raises(q, k, v):
    raise KeyError("no such key")


def smaller(q, k, v):
    return g(q, k, v) - 1


def elsewhere(x):
    return x


def less(q, k, v):
    return g(q, k, v)[1:]
"""
SHAPES = "q:n=7,d=4; k:n,d; v:n,dv=3"


@pytest.fixture
def files(tmp_path):
    """The users' files: chunked with f, dropped with f, quadratic with g."""
    for name, text in {"chunked": CHUNKED, "dropped": DROPPED, "quadratic": QUADRATIC}.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, ["certify", *(str(x) for x in arguments)], catch_exceptions=False)
    assert "Traceback" not in result.output
    return result


def complained(result, *messages):
    assert result.exit_code == 2
    assert result.stderr.startswith("lrgd: ")
    assert len(result.stderr.strip().splitlines()) == 1
    for message in messages:
        assert message in result.stderr


def test_chunked_is_certified(files):
    out = files / "out.json"
    result = run(f"{files}/chunked.py:f", f"{files}/quadratic.py:g", "--shapes", SHAPES, "--json", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("certified: f = g\n")
    assert "at these shapes" in result.stdout
    content = json.loads(out.read_text())
    assert content["certified"] is True
    assert content["exact"]["verdict"] == "equal"
    assert content["rigorous"]["verdict"] == "enclosed"
    assert content["shapes"] == "q:n=7,d=4; k:n=7,d=4; v:n=7,dv=3"


def test_a_dropped_row_is_shown_at_the_smallest_shape(files):
    out = files / "out.json"
    result = run(f"{files}/dropped.py:f", f"{files}/quadratic.py:g", "--shapes", SHAPES, "--json", out)
    assert result.exit_code == 1, result.output
    assert "counterexample: f is not equal to g at n=4, d=1, dv=1" in result.stdout
    content = json.loads(out.read_text())
    assert content["certified"] is False
    # the third key is what is missing from the state that the fourth query reads
    assert content["sizes"] == {"n": 4, "d": 1, "dv": 1}
    assert content["arguments"]["k"] == [[0.0], [0.0], [1.0], [0.0]]
    assert content["left"] == [[["0"], ["0"], ["0"], ["0"]]]
    assert content["right"] == [[["0"], ["0"], ["0"], ["1"]]]


def test_at_most(files):
    pair = f"{files}/quadratic.py:smaller", f"{files}/quadratic.py:g"
    found = run(*pair, "--shapes", SHAPES, "--at-most", "--seed", 3)
    assert found.exit_code == ONLY_POINTS, found.output
    assert "not certified: smaller <= g at " in found.stdout
    assert "seed 3" in found.stdout
    other = run(*reversed(pair), "--shapes", SHAPES, "--at-most")
    assert other.exit_code == 1
    assert "g is not at most smaller" in other.stdout


def test_a_function_of_an_installed_module():
    place = "lrgd_jax.features:elu_plus_one"
    result = run(place, place, "--shapes", "x:3")
    assert result.exit_code == 0, result.output
    assert "both are the same program" in result.stdout


@pytest.mark.parametrize(
    ("first", "shapes", "messages"),
    [
        ("nowhere.py:f", SHAPES, ["there is no file", "nowhere.py"]),
        ("quadratic.py:h", SHAPES, ["quadratic.py has no function 'h'"]),
        ("quadratic.py:smalle", SHAPES, ["did you mean 'smaller'"]),
        ("quadratic.py:table", SHAPES, ["'table'", "expected a function"]),
        ("quadratic.py", SHAPES, ["expected FILE.py:FUNCTION"]),
        ("quadratic.py:", SHAPES, ["expected FILE.py:FUNCTION"]),
        ("broken.py:f", SHAPES, ["broken.py cannot be imported: SyntaxError"]),
        ("text.txt:f", SHAPES, ["text.txt is not a Python file"]),
        ("quadratic.py:raises", SHAPES, ["raises cannot be traced at q: [7, 4]", "KeyError", "no such key"]),
        ("quadratic.py:elsewhere", SHAPES, ["elsewhere has no parameter 'q', 'k', 'v'; its parameters are x"]),
        ("quadratic.py:less", SHAPES, ["cannot be compared: less (", ") returns [6, 3], g (", ") returns [7, 3]"]),
        ("quadratic.py:smaller", "q:n=7,d=4; k:n=6,d; v:n,dv=3", ["character 14", "the axis 'n' has size 7 in 'q'"]),
        ("quadratic.py:smaller", "q:n=7,d=4; k:n,d", ["smaller needs a shape for 'v'"]),
        ("quadratic.py:smaller", "q", ["expected NAME:AXES"]),
    ],
)
def test_bad_input_exits_2_with_one_message(files, first, shapes, messages):
    (files / "broken.py").write_text("def f(:")
    (files / "text.txt").write_text("def f(x): return x")
    complained(run(f"{files}/{first}", f"{files}/quadratic.py:g", "--shapes", shapes), *messages)


def test_modules_that_cannot_be_imported():
    complained(run("no_such_module:f", "lrgd_jax.features:elu_plus_one", "--shapes", "x:3"), "no_such_module")


def test_a_result_file_that_cannot_be_written(files, monkeypatch):
    pair = f"{files}/chunked.py:f", f"{files}/quadratic.py:g"
    complained(run(*pair, "--shapes", SHAPES, "--json", files / "no" / "out.json"), "there is no folder")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lrgd_jax.atomic.os.replace", full)
    result = run(*pair, "--shapes", SHAPES, "--json", files / "out.json")
    assert "certified: f = g" in result.stdout
    complained(result, "No space left")


def test_the_installed_command(files):
    program = "import sys; from lrgd_jax.cli import main; main()"
    arguments = ["certify", "chunked.py:f", "quadratic.py:g", "--shapes", SHAPES]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, cwd=files
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("certified: f = g")
    assert done.stderr == ""


TENTHS = """
def f(x):
    return (0.1 + 0.2) * x


def g(x):
    return 3 * x / 10


def h(x):
    return 0.4 * x
"""


def test_constants_are_rounded_or_meant(tmp_path):
    (tmp_path / "tenths.py").write_text(TENTHS)
    file, written = tmp_path / "tenths.py", tmp_path / "out.json"
    rounded = run(f"{file}:f", f"{file}:g", "--shapes", "x:n=2", "--json", written)
    assert rounded.exit_code == 1
    for part in (
        "rounded constants make the difference: it vanishes here with constants='meant'",
        "the literal 0.30000000000000004 counts as 3/10 (tenths.py:3 (f))",
        "f parts from g at 'mul', tenths.py:3 (f), with [",
        "g parts from f at 'mul', tenths.py:7 (g), with [3]",
    ):
        assert part in rounded.stdout
    content = json.loads(written.read_text())
    assert content["rounded"][0]["source"] == "tenths.py:3 (f)"
    assert content["parting"]["left"]["primitive"] == "mul"
    meant = run(f"{file}:f", f"{file}:g", "--shapes", "x:n=2", "--constants", "meant", "--json", written)
    assert meant.exit_code == 0
    assert "constant: the literal 0.30000000000000004 counts as 3/10 (tenths.py:3 (f))" in meant.stdout
    assert json.loads(written.read_text())["conditions"][0]["kind"] == "constant"
    assert run(f"{file}:f", f"{file}:h", "--shapes", "x:n=2", "--constants", "meant").exit_code == 1
    complained(run(f"{file}:f", f"{file}:g", "--shapes", "x:n=2", "--constants", "exact"), "'rounded' or 'meant'")
