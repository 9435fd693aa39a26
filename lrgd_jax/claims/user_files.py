"""Imports users' own files, and finds functions in them or in installed modules."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from jaxtyping import PyTree

from lrgd_jax.suggestions import did_you_mean
from lrgd_jax.tracebacks import Line, first_sentence, user_line

__all__ = ["find_function", "import_file"]


def import_file(file: Path, expected: str) -> ModuleType:
    """Imports a user's file under a name of its own, so that it cannot hide a module of another package.

    Args:
        file: a Python file.
        expected: what the file should be, for the message: "a Python file that ...".

    Raises:
        ValueError: it is no Python file, or it cannot be imported; the fault is the cause.
    """
    name = f"_lrgd_user_file_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ValueError(f"{file} is not a Python file; expected {expected}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as fault:
        del sys.modules[name]
        raise ValueError(f"{file} cannot be imported: {_said(fault)}; expected {expected}") from fault
    return module


def find_function(place: str) -> Callable[..., PyTree]:
    """The function at `path/to/file.py:name` or `package.module:name`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the text is neither, the file or module cannot be imported, or it has no such function.

    Examples:
        >>> find_function("lrgd_jax.features:elu_plus_one").__name__
        'elu_plus_one'
    """
    where, _, name = place.rpartition(":")
    if not where or not name:
        raise ValueError(f"expected FILE.py:FUNCTION or package.module:FUNCTION, got {place!r}")
    module = _module(where)
    function = getattr(module, name, None)
    if function is None:
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        hint = did_you_mean(name, functions)
        raise ValueError(f"{where} has no function {name!r}{'; ' if hint else ''}{hint}")
    if not callable(function):
        raise ValueError(f"{name!r} in {where} is a {type(function).__name__}; expected a function")
    return function


def _module(where: str) -> ModuleType:
    file = Path(where)
    if file.is_file():
        return import_file(file, "a Python file that defines functions")
    if file.suffix == ".py" or file.name != where:
        raise FileNotFoundError(f"there is no file {where}; give the path of a Python file")
    try:
        return importlib.import_module(where)
    except (Exception, SystemExit) as fault:
        raise ValueError(f"the module {where} cannot be imported: {_said(fault)}") from fault


def _said(fault: BaseException) -> str:
    """What was raised while a file was imported, and where in it."""
    line = user_line(fault)
    if isinstance(fault, SyntaxError) and fault.filename is not None and fault.lineno is not None:
        line = Line(fault.filename, fault.lineno)
        fault = SyntaxError(fault.msg)
    said = first_sentence(str(fault))
    return f"{type(fault).__name__}{f': {said}' if said else ''}{'' if line is None else f', at {line}'}"
