"""Misquotations and what refutes them, as lines for a terminal and as JSON."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lrgd_jax.certify.answers.result_texts import nested_text
from lrgd_jax.claims.arguments import Arguments
from lrgd_jax.claims.failure_texts import sizes_text
from lrgd_jax.claims.misquotations import Refutation

__all__ = ["arguments_text", "misquotation_content", "misquotation_lines", "results_text"]


def misquotation_lines(refutation: Refutation) -> list[str]:
    """What is said and where, the smallest counterexample, and what is right.

    Args:
        refutation: of one misquotation.

    Examples:
        >>> from lrgd_jax.claims import load_claims
        >>> from lrgd_jax.claims.misquotations import refute_misquotations
        >>> [refutation] = refute_misquotations([load_claims()["attention-sink"]])
        >>> print(misquotation_lines(refutation)[3])
          falls at n = 1, d = 1, dv = 1; query = [0], keys = [[0]], values = [[1]], sink = [0]
    """
    said = refutation.quotation
    lines = [f"misquoted: {refutation.claim.slug}", f"  as it is said: {said.says}", f"  source: {said.source}"]
    if refutation.counterexample is None:
        lines.append("  no point was found at which rational numbers or balls tell it apart")
    else:
        sizes, arguments = refutation.at
        named = _in_order(refutation.claim.arguments, arguments)
        lines += [
            f"  falls at {sizes_text(sizes)}; {arguments_text(named)}",
            f"    as quoted {results_text(refutation.quoted)}, rightly {results_text(refutation.right)}",
        ]
    return [*lines, f"  rather: {said.rather}"]


def arguments_text(arguments: Mapping[str, Any]) -> str:
    """Arguments in nested lists, in words."""
    return ", ".join(f"{name} = {nested_text(x)}" for name, x in arguments.items())


def results_text(results: tuple[Any, ...] | list[Any]) -> str:
    """Results in nested lists of digits."""
    return ", ".join(nested_text(x) for x in results)


def misquotation_content(refutation: Refutation) -> dict[str, Any]:
    """The same for a JSON file.

    Args:
        refutation: of one misquotation.
    """
    said, counterexample = refutation.quotation, refutation.counterexample
    content = {
        "slug": refutation.claim.slug,
        "mutant": refutation.mutant.name,
        "says": said.says,
        "source": said.source,
        "rather": said.rather,
    }
    if counterexample is None:
        return content | {"counterexample": None}
    return content | {
        "counterexample": {
            "dimensions": dict(counterexample.dimensions),
            "arguments": _in_order(refutation.claim.arguments, counterexample.arguments),
            "numbers": counterexample.difference.numbers,
            "quoted": list(refutation.quoted),
            "right": list(refutation.right),
            "apart": counterexample.difference.apart,
        }
    }


def _in_order(names: Mapping[str, object], arguments: Arguments) -> dict[str, Any]:
    return {name: np.asarray(arguments[name]).tolist() for name in names}
