"""Verdicts as tables and text for a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from rich.table import Table

from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.counterexample import Counterexample
from lrgd_jax.claims.real_decoder import DecoderVerdict
from lrgd_jax.claims.verdicts import Verdict

__all__ = [
    "claim_list",
    "claim_page",
    "counterexample_text",
    "decoder_table",
    "failure_text",
    "verdict_table",
]


def claim_list(claims: Iterable[Claim]) -> Table:
    """One row a claim: group, slug, title."""
    table = Table("group", "claim", "title", "mutants")
    table.columns[1].no_wrap = True
    for claim in claims:
        table.add_row(claim.group, claim.slug, claim.title, str(len(claim.mutants)))
    return table


def claim_page(claim: Claim) -> str:
    """All that a claim says, in Markdown with LaTeX."""
    assumptions = "\n".join(f"- {assumption}" for assumption in claim.assumptions) or "None."
    mutants = "\n".join(f"- {mutant.name}" for mutant in claim.mutants)
    sections = {
        "Statement": claim.statement.strip(),
        "Assumptions": assumptions,
        "Proof": claim.proof.strip(),
        "Source": claim.source,
        "Mutants that the check must reject": mutants,
    }
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections.items())
    return f"# {claim.title}\n\n`{claim.slug}` (group {claim.group})\n\n{body}\n"


def verdict_table(verdicts: Sequence[Verdict], *, mutants: bool = True) -> Table:
    """One row a claim and dtype."""
    table = Table("claim", "dtype", "holds", "error/bound", "detection limit", "mutants rejected", "seconds")
    table.columns[0].no_wrap = True
    for column in table.columns[3:]:
        column.justify = "right"
    for verdict in verdicts:
        rejected = sum(mutant.rejected for mutant in verdict.mutants)
        table.add_row(
            verdict.slug,
            verdict.dtype,
            _yes(verdict.holds),
            _number(verdict.worst_ratio),
            _number(verdict.detection_limit),
            f"{rejected}/{len(verdict.mutants)}" if mutants else "not tried",
            f"{verdict.seconds:.1f}",
        )
    return table


def decoder_table(verdict: DecoderVerdict) -> Table:
    """One row for the logits, one a layer, one for the tokens."""
    table = Table(
        "the decoder as a chain of duals",
        "holds",
        "largest difference",
        "bound",
        "error/bound",
        "detection limit",
        title=f"{verdict.directory}: {verdict.prompt_tokens} tokens, {verdict.demonstrations} demonstrations, "
        f"{verdict.dtype}",
    )
    for column in table.columns[2:]:
        column.justify = "right"
    names = [f"layer {k + 1}, same input" for k in range(len(verdict.layers) - 1)] + ["final norm, same input"]
    rows = [("logits at every position", verdict.logits), *zip(names, verdict.layers, strict=True)]
    for name, one in rows:
        numbers = one.difference, one.tolerance, one.ratio, one.detection_limit
        table.add_row(name, _yes(one.holds), *map(_number, numbers))
    greedy = verdict.greedy
    what = "identical" if greedy.identical else f"differ at step {greedy.first_difference}"
    gap = "" if greedy.smallest_gap is None else f"smallest gap {_number(greedy.smallest_gap)}"
    table.add_row(f"{len(greedy.tokens)} greedy tokens", _yes(greedy.identical), what, gap, "", "")
    return table


def failure_text(claim: Claim, verdict: Verdict) -> str:
    """What is claimed, and the instance or the mutant at which the check fell."""
    lines = [f"{claim.slug} ({verdict.dtype}): {claim.title}", claim.statement.strip()]
    if verdict.failure is not None:
        failure = verdict.failure
        lines += ["", f"falls: {failure.reason}", f"  dimensions: {_sizes(failure.dimensions)}"]
        if failure.instance is not None:
            lines.append(f"  random instance: {failure.instance}")
    lines += [
        f"mutant not rejected: {mutant.name} ({mutant.reason}; {mutant.instances} instances)"
        for mutant in verdict.mutants
        if not mutant.rejected
    ]
    return "\n".join(lines)


def counterexample_text(found: Counterexample | None) -> str:
    """The smallest counterexample, argument by argument."""
    if found is None:
        return "no smaller counterexample was found"
    comparison = found.comparison
    arguments = [f"  {name} = {_array(value)}" for name, value in found.arguments.items()]
    return "\n".join(
        [
            "smallest counterexample:",
            f"  dimensions: {_sizes(found.dimensions)}",
            *arguments,
            f"  left  = {_tree(found.left)}",
            f"  right = {_tree(found.right)}",
            f"  error/tolerance = {_number(comparison.difference)} / {_number(comparison.tolerance)}"
            f" = {_number(comparison.ratio)}",
        ]
    )


def _yes(holds: bool) -> str:
    return "[green]yes[/green]" if holds else "[bold red]no[/bold red]"


def _number(x: float | None) -> str:
    return "-" if x is None else f"{x:.2g}"


def _sizes(dimensions: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {size}" for name, size in dimensions.items()) or "none"


def _array(x: Any) -> str:
    array = np.asarray(x)
    return f"empty, shape {list(array.shape)}" if not array.size else str(array.tolist())


def _tree(tree: Any) -> str:
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    if len(leaves) == 1 and not leaves[0][0]:
        return _array(leaves[0][1])
    return "; ".join(
        f"{jax.tree_util.keystr(path, simple=True, separator=', ')}: {_array(leaf)}" for path, leaf in leaves
    )
