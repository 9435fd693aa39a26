"""A file to begin a claim with: one that holds, from a template that is itself a claim."""

import re
from importlib import resources
from pathlib import Path

from lrgd_jax.atomic import write_text
from lrgd_jax.claims.groups import GROUPS, group_letter
from lrgd_jax.claims.registry import load_claims

__all__ = ["write_new_claim"]

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write_new_claim(slug: str, directory: Path, group: str = "user") -> Path:
    """Writes a claim that holds and whose mutants are rejected, to be changed into another one.

    Args:
        slug: its name; the file has the same with underscores.
        directory: where the file is put.
        group: letter or word of a group, or "user".

    Returns:
        The file.

    Raises:
        ValueError: the slug is no such thing or taken, or there is no such group.
        FileNotFoundError: there is no such folder.
        FileExistsError: the file is there already.
    """
    if not SLUG.fullmatch(slug):
        raise ValueError(f"the name of a claim must be words in lower case with hyphens, like my-claim; got {slug!r}")
    letter = group_letter(group)
    if letter not in (*(known.letter for known in GROUPS), "user"):
        raise ValueError(f"there is no group {group!r}; there are {', '.join(map(str, GROUPS))} and user")
    if not directory.is_dir():
        raise FileNotFoundError(f"there is no folder {directory}; make it first, or name another one")
    file = directory / f"{slug.replace('-', '_')}.py"
    if file.exists():
        raise FileExistsError(f"{file} is there already and is not overwritten; choose another name or folder")
    if slug in load_claims():
        raise ValueError(f"the name {slug!r} is taken by a claim of the package; choose another one")
    template = resources.files("lrgd_jax.claims").joinpath("claim_template.py").read_text(encoding="utf-8")
    write_text(file, template.replace('slug="my-claim"', f'slug="{slug}"').replace('group="user"', f'group="{letter}"'))
    return file
