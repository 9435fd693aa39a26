"""What a traceback says: whose line it was, and whether the package refused on purpose or stumbled."""

import dis
import inspect
import linecache
import os
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

__all__ = ["Line", "definition_line", "first_sentence", "is_refusal", "package_line", "user_line"]

OWN = "lrgd_jax", "pytest_lrgd"
SHIPPED = "proofs_checks"
LIBRARIES = "jax", "jaxlib", "numpy", "hypothesis", "flint"
"""Packages whose lines a user did not write, and did not call by name in between."""

REFUSALS = (ValueError, TypeError, NotImplementedError, LookupError, ArithmeticError, ImportError)
"""What the package raises, with a message for the user, at wrong input."""


@dataclass(frozen=True)
class Line:
    """A line of somebody's file.

    Attributes:
        file: as the interpreter knows it.
        number: from one.
    """

    file: str
    number: int

    @property
    def text(self) -> str:
        """What stands there; empty where the file cannot be read."""
        return linecache.getline(self.file, self.number).strip()

    @property
    def shipped(self) -> bool:
        """Whether it lies in the package or in its claims."""
        return _within(self.file, (*OWN, SHIPPED))

    def __str__(self) -> str:
        shown = os.path.relpath(self.file) if Path(self.file).is_relative_to(Path.cwd()) else self.file
        return f"{shown}:{self.number}" + (f": `{self.text}`" if self.text else "")


def is_refusal(error: BaseException) -> bool:
    """Whether an error carries a message for the user: the system's, or one that the package raised on purpose.

    Anything else that ends a command, a ValueError of a library included, is a mistake of the package.

    Examples:
        >>> from lrgd_jax.claims.user_files import find_function
        >>> try:
        ...     find_function("no colon")
        ... except ValueError as error:
        ...     is_refusal(error)
        True
    """
    if isinstance(error, OSError):
        return True
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or not isinstance(error, REFUSALS):
        return False
    code = last.tb_frame.f_code
    return _within(code.co_filename, OWN) and dis.opname[code.co_code[last.tb_lasti]] == "RAISE_VARARGS"


def user_line(error: BaseException) -> Line | None:
    """The innermost line that a user wrote; else one of another package, else one of a shipped claim; None at last."""
    lines = [Line(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    lines = [line for line in lines if not _of_a_library(line.file)]
    users = [line for line in lines if not line.shipped]
    own = [line for line in users if "site-packages" not in Path(line.file).parts]
    for kind in (own, users, lines):
        if kind:
            return kind[-1]
    return None


def package_line(error: BaseException) -> Line | None:
    """The innermost line of the package; else as `user_line`, else the innermost of all; None where there is none."""
    lines = [Line(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    # whatever ends a command went through the place that says so
    own = [line for line in lines if _within(line.file, OWN) and Path(line.file).parts[-2:] != ("cli", "errors.py")]
    return own[-1] if own else user_line(error) or (lines[-1] if lines else None)


def definition_line(function: Callable[..., object]) -> Line | None:
    """Where a function is defined; None where no Python says so."""
    while isinstance(function, partial):
        function = function.func
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else Line(code.co_filename, code.co_firstlineno)


def first_sentence(text: str) -> str:
    """The first sentence of a message of several lines, without its full stop."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    for place, mark in enumerate(paragraph):
        follows = paragraph[place + 1 : place + 3]
        if mark == "." and (not follows or (follows[0] == " " and follows[1:].isupper())):
            return paragraph[:place]
    return paragraph


def _of_a_library(file: str) -> bool:
    if file.startswith("<frozen") or _within(file, (*OWN, *LIBRARIES)):
        return True
    library = Path(sysconfig.get_paths()["stdlib"])
    return Path(file).is_relative_to(library) and "site-packages" not in Path(file).parts


def _within(file: str, packages: tuple[str, ...]) -> bool:
    return any(Path(file) == home or Path(file).is_relative_to(home) for home in map(_home, packages) if home)


def _home(package: str) -> Path | None:
    """The folder of a package, or the file of a module; importing none."""
    spec = find_spec(package)
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]) if places else Path(str(spec.origin))
