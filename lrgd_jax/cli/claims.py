"""`lrgd claims`: the list, or one claim with its proof."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.files import require_writable, write_json_result
from lrgd_jax.cli.options import ClaimsPath, JsonFile

if TYPE_CHECKING:
    from lrgd_jax.claims.claim_text import ClaimText

__all__ = ["claims"]


def claims(
    slug: Annotated[str | None, typer.Argument(help="Show this claim: statement, assumptions, proof, source.")] = None,
    claims_path: ClaimsPath = None,
    json: JsonFile = None,
) -> None:
    """List all claims, or show one with its proof, as Markdown."""
    from lrgd_jax.claims.lookup import find_claim
    from lrgd_jax.cli.terminal import results_console, write_line
    from lrgd_jax.report.claim_pages import claim_page, claim_table

    require_writable({"--json": json})
    texts = _texts(claims_path or ())
    shown = texts if slug is None else {slug: find_claim(texts, slug)}
    if slug is None:
        results_console().print(claim_table(texts.values()))
    else:
        write_line(claim_page(shown[slug]).rstrip("\n"))
    write_json_result(json, {"claims": [vars(text) for text in shown.values()]})


def _texts(paths: Sequence[Path]) -> "dict[str, ClaimText]":
    """The words of all claims; only a user's own files, which may say anything, are imported."""
    from lrgd_jax.claims.claim_text import ClaimText, read_claim_texts

    if not paths:
        return read_claim_texts()
    from lrgd_jax.claims.registry import load_claims

    return {slug: ClaimText.of(claim) for slug, claim in load_claims(paths).items()}
