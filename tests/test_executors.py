"""Processes beside this one: ended on leaving, and refused where what they compute would be something else."""

import multiprocessing
from typing import Any

import pytest

from lrgd_jax import executors


class Answering:
    """A client of a scheduler whose workers run nothing and have other versions."""

    def run(self, _):
        return {"tcp://1.2.3.4:5": {**executors._versions(), "jaxlib": "0.0"}}


def test_workers_of_other_versions_are_named():
    client: Any = Answering()
    with pytest.raises(ValueError, match=r"worker tcp://1.2.3.4:5 has other versions.*: jaxlib \(.* and 0\.0\)"):
        executors._require_versions(client)


def interrupted():
    with executors.local_processes(1) as pool:
        assert pool.submit(abs, -1).result() == 1
        raise KeyboardInterrupt


def test_no_process_is_left_over_from_what_was_interrupted():
    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert set(multiprocessing.active_children()) <= before


def test_at_least_one_process_is_asked_for():
    with pytest.raises(ValueError, match="at least one process is needed, got 0"):
        executors.local_processes(0).__enter__()
