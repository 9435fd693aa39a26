"""All faults, family by family."""

from collections.abc import Mapping

from benchmarks.kernel_faults.families import (
    decays,
    delta_rules,
    gradients,
    heads,
    linear_states,
    norms,
    positions,
    softmax_attention,
)
from benchmarks.kernel_faults.fault import Fault

FAMILIES: Mapping[str, tuple[Fault, ...]] = {
    "Linear attention and its state": linear_states.FAULTS,
    "Decay": decays.FAULTS,
    "Delta rules": delta_rules.FAULTS,
    "Heads": heads.FAULTS,
    "Positions": positions.FAULTS,
    "Normalisation": norms.FAULTS,
    "Softmax attention": softmax_attention.FAULTS,
    "Backward passes": gradients.FAULTS,
}

FAULTS = tuple(fault for faults in FAMILIES.values() for fault in faults)
