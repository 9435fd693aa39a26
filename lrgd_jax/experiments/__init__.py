"""Experiments: measured questions beside the certified claims, each with its theory drawn over it.

A folder an experiment; `running/` holds what runs any of them, `shared/` what several of them use.
"""

from lrgd_jax.experiments.running.interface import Experiment
from lrgd_jax.experiments.running.registry import OWN, find, names, register

__all__ = ["OWN", "Experiment", "find", "names", "register"]
