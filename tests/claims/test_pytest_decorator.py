"""Claims as tests of pytest: one case a layer, failures that say why, and a plug-in that loads nothing."""

import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from conftest import ROOT
from small_claims import FALSE, TRUE, all_pairs, squared_sum, variant

from lrgd_jax.claims import ComparedInstance, Mutant, Statistical, given_claim
from lrgd_jax.claims.pytest_layers import ClaimLayers, claim_layers

FLOATING = ("floating",)
FEW = {"examples": 5, "dtypes": ("float64",)}
SURVIVES = variant(mutants=(Mutant("wrong sign", FALSE.right), Mutant("no mistake", lambda x: all_pairs(x))))
AVERAGE = variant(tolerance=Statistical(lambda: jnp.ones(()), 0.5))
STRANGE = variant(relation="at most", left=lambda x: squared_sum(x) - 1, right=lambda x: all_pairs(jnp.sin(x)) + 99)

seen: list[ComparedInstance] = []

test_squared_sum = given_claim(TRUE, examples=5)


@given_claim(TRUE, **FEW)
def test_an_empty_body_is_enough(): ...


@pytest.mark.usefixtures("shared_by_the_suite")
@given_claim(TRUE, layers=FLOATING, **FEW)
def test_a_function_gets_instances_and_fixtures(instance, tmp_path):
    assert tmp_path.is_dir()
    assert instance.arguments["x"].shape == (instance.dimensions["n"],)
    assert instance.comparison.holds
    assert instance.left.shape == instance.right.shape == ()
    seen.append(instance)


def test_the_function_was_called():
    assert len({instance.dimensions["n"] for instance in seen}) > 1


class TestOfAMethod:
    """A method keeps its self."""

    wanted = 1
    test_one_line = given_claim(TRUE, layers=FLOATING, **FEW)

    @given_claim(TRUE, layers=FLOATING, **FEW)
    def test_it_knows_itself(self, instance):
        assert instance.dimensions["n"] >= self.wanted


@pytest.fixture
def shared_by_the_suite():
    """Asked for by a mark."""


def copied(pytester: pytest.Pytester, *files: Path) -> None:
    for file in files:
        shutil.copy(file, pytester.path)


def session(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """A session of a user, whose JAX is as it comes, where a warning is an error."""
    return pytester.runpytest_subprocess("-v", "-W", "error", "-p", "no:cacheprovider", *options)


def test_the_example_of_the_tutorial_passes(pytester):
    copied(pytester, *(ROOT / "docs" / "tutorials" / name for name in ("my_claim.py", "test_my_claim.py")))
    result = session(pytester)
    result.assert_outcomes(passed=7)
    layers = ("float64", "float32", "exact", "rigorous", "mutants")
    result.stdout.fnmatch_lines([f"test_my_claim.py::test_my_claim[[]{layer}] PASSED*" for layer in layers])


USERS = """
    import jax
    import jax.numpy as jnp
    from small_claims import FALSE, TRUE, all_pairs, variant, wrong_sign
    from lrgd_jax.claims import Mutant, Statistical, given_claim

    SURVIVES = variant(mutants=(Mutant("wrong sign", wrong_sign), Mutant("no mistake", lambda x: all_pairs(x))))
    AVERAGE = variant(tolerance=Statistical(lambda: jnp.ones(()), 0.5))

    few = {"dtypes": ("float32",), "examples": 5}
    test_false = given_claim(FALSE, **few)
    test_mutant = given_claim(SURVIVES, layers=("floating", "mutants"), **few)
    test_average = given_claim(AVERAGE, layers=("exact", "rigorous"))

    @given_claim(TRUE, layers=("floating",), **few)
    def test_body(instance):
        assert instance.dimensions["n"] < 3

    def test_by_slug(claim):
        verdicts = claim("linear-attention", layers=("floating", "exact"), **few)
        assert list(verdicts) == ["float32", "exact"]
        assert not any(verdict.skipped for verdict in verdicts.values())
        assert not jax.config.jax_enable_x64

    def test_none_applies(claim):
        claim(AVERAGE, layers=("exact",))
"""


def test_what_a_user_sees(pytester):
    copied(pytester, ROOT / "tests" / "claims" / "small_claims.py")
    pytester.makepyfile(test_users=USERS)
    result = session(pytester)
    result.assert_outcomes(passed=3, failed=5, skipped=3)
    result.stdout.fnmatch_lines(
        [
            "test_users.py::test_average[[]exact] SKIPPED (the claim is*",
            "test_users.py::test_by_slug PASSED*",
            "test_users.py::test_none_applies SKIPPED*",
        ]
    )
    of_the_claim = result.stdout.str().split("test_false[float32] ___")[1].split("test_false[exact] ___")[0]
    for part in (FALSE.title, FALSE.statement, "n = 1", "x = [1.0]", "left  = 1.0", "right = -1.0", "error/tolerance"):
        assert part in of_the_claim
    result.stdout.fnmatch_lines(["*mutant not rejected in float32: no mistake*"])
    result.stdout.fnmatch_lines(["*assert 3 < 3*"])


def test_loading_the_plugin_imports_neither_jax_nor_the_package():
    program = "import pytest_lrgd, sys; sys.exit(bool({'jax', 'lrgd_jax', 'hypothesis'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
    assert [entry.value for entry in entry_points(group="pytest11", name="lrgd")] == ["pytest_lrgd"]


def test_the_package_itself_needs_no_pytest():
    program = (
        "import sys; sys.modules['pytest'] = None; from lrgd_jax.claims import given_claim;"
        "import proofs_checks.linear_attention as one\n"
        "try: given_claim(one.claim)\nexcept ImportError as error: sys.exit('check_claim' not in str(error))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("layer", ["float64", "exact", "rigorous"])
def test_a_false_claim_falls_at_every_layer(layer):
    with pytest.raises(AssertionError, match=r"(?s)wrong-sign.*n = 1.*left  = 1(\.0)?\n  right = -1(\.0)?\n"):
        claim_layers(FALSE, **FEW).run(layer)


def test_64_bits_are_left_as_they_were():
    with jax.enable_x64(False):
        assert claim_layers(TRUE, **FEW).run("float64").skipped is None
        assert jnp.asarray(0.5).dtype == jnp.float32


def test_a_surviving_mutant_is_named_by_every_layer_that_lets_it_live():
    with pytest.raises(
        AssertionError, match=r"(?s)in float64: no mistake \(within.*: no mistake \(exact and rigorous\)"
    ):
        claim_layers(SURVIVES, **FEW).run("mutants")
    with pytest.raises(AssertionError, match=r": no mistake \(rigorous\)"):
        claim_layers(SURVIVES, layers=("rigorous", "mutants")).run("mutants")


def test_mutants_alone_fall_in_floating_point():
    (verdict,) = claim_layers(TRUE, layers=("mutants",), **FEW).run("mutants").verdicts
    assert [mutant.rejected for mutant in verdict.mutants] == [True, True]


def test_an_inequality_has_no_exact_layer():
    assert "inequality" in str(claim_layers(STRANGE, **FEW).run("exact").skipped)


def test_a_statistical_claim_goes_through_floating_point_only():
    layers = claim_layers(AVERAGE, **FEW)
    found: list[ComparedInstance] = []
    assert layers.run("float64", found.append).skipped is None
    assert found
    assert "statistical" in str(layers.run("rigorous").skipped)
    assert claim_layers(AVERAGE, layers=("exact", "mutants"), **FEW).run("mutants").skipped is not None


def test_a_fault_that_no_drawn_instance_shows_falls_at_the_claims_own_shapes():
    beyond = variant(
        dimensions={"n": (1, 2)},
        right=lambda x: all_pairs(x) + (1 if x.shape[0] > 2 else 0),
        shapes=({"n": 2}, {"n": 5}),
    )
    with pytest.raises(AssertionError, match=r"(?s)n = 5.*left  = .*no smaller counterexample"):
        claim_layers(beyond, **FEW).run("float64")


def test_what_prepares_an_instance_needs_no_rule_of_rounding():
    def normal_quantiles(x):
        return {"x": jax.scipy.special.erfinv(x / (1 + jnp.abs(x)))}

    found: list[ComparedInstance] = []
    claim_layers(variant(given=normal_quantiles), **FEW).run("float64", found.append)
    assert found


def test_instances_that_are_nowhere_finite_are_not_passed_in_silence():
    def nowhere_at_one(x):
        return squared_sum(x) * (x.shape[0] - 1) / (x.shape[0] - 1)

    claim = variant(dimensions={"n": (1, 1)}, left=nowhere_at_one, shapes=({"n": 5},))
    with pytest.raises(AssertionError, match=r"none of 5 drawn instances .* not finite"):
        claim_layers(claim, **FEW).run("float64")


@pytest.mark.parametrize("claim", [all_pairs, "squared-sums", None])
def test_what_is_no_claim_is_refused(claim):
    with pytest.raises(ValueError, match="claim"):
        given_claim(claim)


@pytest.mark.parametrize(
    "options", [{"layers": ("float64",)}, {"layers": ()}, {"dtypes": "float64"}, {"dtypes": ("int8",)}, {"examples": 0}]
)
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=r"must be some of|at least one example"):
        ClaimLayers(TRUE, **options)


def test_only_functions_are_decorated():
    with pytest.raises(ValueError, match="functions"):
        given_claim(TRUE)(TRUE)
