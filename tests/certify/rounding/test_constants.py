"""Which constants apply: of the running stack if it was measured, else the largest, and the verdict says so."""

import json
import math

import pytest

from lrgd_jax.certify.rounding import constants
from lrgd_jax.certify.rounding.constants import (
    Record,
    cached_records,
    constants_in_use,
    packaged_records,
    record_file,
    write_record,
)
from lrgd_jax.certify.tracing.jax_versions import Stack, newer_functions, running

ELSEWHERE = Stack("9.9.9", "tpu", "TPU v9")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A user's cache that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    constants_in_use.cache_clear()
    yield tmp_path / "lrgd-jax"
    constants_in_use.cache_clear()


@pytest.fixture
def elsewhere(cache, monkeypatch):
    """A process on a stack that nobody has measured."""
    monkeypatch.setattr(constants, "running", lambda: ELSEWHERE)
    return cache


def _record(units=1.5, stack=ELSEWHERE):
    return Record(stack, {name: dict.fromkeys(row, units) for name, row in packaged_records()[-1].measured.items()})


def test_the_records_of_the_package_are_of_different_stacks_and_whole():
    stacks = [record.stack for record in packaged_records()]
    assert len(set(stacks)) == len(stacks) >= 2
    for record in packaged_records():
        assert {"exp", "log1p", "pow"} <= {*record.measured}
        assert all(x > 0 for row in record.measured.values() for x in row.values())


def test_a_constant_is_four_times_the_error_and_an_ulp_more_at_least():
    record = Record(ELSEWHERE, {"exp": {"float64": 0.5, "float32": 3.2}})
    assert record.constants == {"exp": {"float64": 3.0, "float32": 13.0}}


def test_the_stack_that_the_tests_run_on_comes_with_the_package(cache):
    found = constants_in_use()
    assert found.source == "package"
    assert found.stacks == (running(),)
    assert str(running()) in found.text
    assert {*newer_functions()} <= {*found.table}


def test_versions_differ_where_their_functions_do(cache):
    measured = {record.stack.jaxlib: record.measured["log1p"]["float64"] for record in packaged_records()}
    assert measured["0.10.2"] > 100 * measured["0.12.0.1"] / 2


def test_elsewhere_the_largest_constants_are_taken_and_the_text_says_so(elsewhere):
    found = constants_in_use()
    assert found.source == "largest"
    assert found.stacks == tuple(record.stack for record in packaged_records())
    for record in packaged_records():
        for name, row in record.constants.items():
            assert all(found.table[name][form] >= x for form, x in row.items())
        assert str(record.stack) in found.text
    assert "9.9.9" in found.text
    assert "lrgd doctor" in found.text
    assert found.as_dict()["running"] == {"jaxlib": "9.9.9", "platform": "tpu", "device": "TPU v9"}


def test_what_was_measured_here_is_used_from_then_on(elsewhere):
    assert constants_in_use().source == "largest"
    write_record(_record(), record_file(ELSEWHERE))
    found = constants_in_use()
    assert (found.source, found.stacks) == ("cache", (ELSEWHERE,))
    assert found.table["log1p"]["float64"] == 6.0
    assert "measured here" in found.text
    assert record_file(ELSEWHERE).is_relative_to(elsewhere)
    assert [x.name for x in elsewhere.iterdir()] == [record_file(ELSEWHERE).name]


def test_what_was_measured_here_only_widens_what_comes_with_the_package(cache):
    before = constants_in_use().table
    write_record(_record(10.0, running()), record_file(running()))
    after = constants_in_use().table
    assert after["exp"]["float64"] == 40.0
    assert after["log1p"]["float64"] == max(40.0, before["log1p"]["float64"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1, 2]",
        '{"jaxlib": "9.9.9"}',
        json.dumps(_record().as_dict() | {"measured": {"exp": 3}}),
        json.dumps(_record().as_dict() | {"measured": {"exp": {"float64": "wide"}}}),
        json.dumps(_record().as_dict() | {"measured": {"exp": {"float64": math.nan}}}),
        json.dumps(_record().as_dict() | {"measured": {"exp": {"float64": -1.0}}}),
        json.dumps(_record().as_dict() | {"measured": {"exp": {"float64": 1.0}}}),
        json.dumps(_record(stack=Stack("8.8.8", "tpu", "TPU v9")).as_dict()),
        json.dumps(_record().as_dict())[:100],
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence_and_the_largest_constants_are_taken(elsewhere, content):
    file = record_file(ELSEWHERE)
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(ValueError, match=r"damaged|another release") as refused:
        cached_records(ELSEWHERE)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)
    found = constants_in_use()
    assert found.source == "largest"
    assert str(file) in found.text


def test_a_file_s_name_keeps_to_plain_letters(tmp_path):
    file = record_file(Stack("0.12.0.1", "cuda", "NVIDIA H100 80GB/HBM3"), tmp_path)
    assert file == tmp_path / "cuda-NVIDIA_H100_80GB_HBM3-jaxlib-0.12.0.1.json"


def test_a_relative_cache_folder_is_ignored(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert record_file(ELSEWHERE).is_relative_to(tmp_path)
