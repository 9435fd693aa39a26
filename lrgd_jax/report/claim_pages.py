"""Claims for a terminal: the list of all, and the page of one."""

from collections.abc import Iterable

from rich.table import Table

from lrgd_jax.claims.claim_text import ClaimText
from lrgd_jax.claims.groups import group_legend, group_name
from lrgd_jax.report.plain_text import CAPTION, plain

__all__ = ["claim_page", "claim_table"]


def claim_table(claims: Iterable[ClaimText]) -> Table:
    """One row a claim: group, slug, title, number of mutants; below, what the groups are about.

    Args:
        claims: in the order of the rows.
    """
    claims = list(claims)
    table = Table("group", "claim", "title", "mutants")
    table.columns[1].no_wrap = True
    for claim in claims:
        table.add_row(*map(plain, (claim.group, claim.slug, claim.title, str(len(claim.mutants)))))
    table.caption = plain("\n".join(group_legend(claim.group for claim in claims)), CAPTION)
    table.caption_justify = "left"
    return table


def claim_page(claim: ClaimText) -> str:
    """All that a claim says, in Markdown with LaTeX.

    Args:
        claim: its words.
    """
    assumptions = "\n".join(f"- {assumption}" for assumption in claim.assumptions) or "None."
    mutants = "\n".join(f"- {mutant}" for mutant in claim.mutants)
    sections = {
        "Statement": claim.statement.strip(),
        "Assumptions": assumptions,
        "Proof": claim.proof.strip(),
        "Source": claim.source,
        "Mutants that the check must reject": mutants,
    }
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections.items())
    return f"# {claim.title}\n\n`{claim.slug}` (group {group_name(claim.group)})\n\n{body}\n"
