"""How a command ends: the exit codes, and the one place where errors become a line and a code."""

import contextlib
import functools
import os
import platform
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

import typer
from typer.core import TyperGroup

from lrgd_jax.cli.terminal import QUIET, write_line
from lrgd_jax.cli.usage import is_usage_error, usage_sentence
from lrgd_jax.locks import release_all
from lrgd_jax.tracebacks import first_sentence, is_refusal, package_line

__all__ = [
    "BAD_INPUT",
    "CODES",
    "FALLEN",
    "HOLDS",
    "INTERNAL",
    "INTERRUPTED",
    "ONLY_POINTS",
    "CommandGroup",
    "caching",
    "complain",
    "exit_code_of_fault",
    "exit_with_code",
    "internal_error_line",
    "leave",
    "report_error",
    "worst",
]

HOLDS = 0
FALLEN = 1
BAD_INPUT = 2
INTERNAL = 3
ONLY_POINTS = 4
"""Nothing differed at the points that were tried, which certifies nothing."""
INTERRUPTED = 130
BROKEN_PIPE = 141
"""As of a process that a shell ends because nobody reads what it writes."""

SEVERITY = (HOLDS, ONLY_POINTS, FALLEN, BAD_INPUT, INTERNAL, INTERRUPTED)
"""Of several results the last of these is the command's."""

CODES = "Exit code 0: done; 2: bad input; 3: internal error; 130: interrupted."
"""Under the help of a command that gives no verdict."""

LONGEST = 2000
"""How many letters of a message are shown; files may hold names of any length."""

REPORT = "this is a mistake of lrgd_jax; please report this line with the output of the same command under --debug"


def worst(codes: Iterable[int]) -> int:
    """The exit code of a command that came to several results."""
    return max(codes, key=SEVERITY.index, default=HOLDS)


def complain(message: str) -> None:
    """One message on standard error, in one line; what is named in it acts on no terminal, and fills none."""
    if len(message) > LONGEST:
        # what to do about it stands at the end
        message = f"{message[: LONGEST // 2]} … {message[-LONGEST // 2 :]}"
    write_line("lrgd: " + message.replace("\n", r"\n"), err=True)


def report_error(error: BaseException) -> int:
    """Says on standard error, in one line, what ended a command or a claim, and returns the exit code for it."""
    if debugging():
        write_line("".join(traceback.format_exception(error)).rstrip("\n"), err=True)
    if is_refusal(error):
        complain(str(error))
        return BAD_INPUT
    if isinstance(error, ModuleNotFoundError) and error.name is not None and not error.name.startswith("lrgd_jax"):
        complain(f"this needs the Python package {error.name.split('.')[0]}, which is not installed; install it")
        return BAD_INPUT
    complain(internal_error_line(error))
    return INTERNAL


def exit_code_of_fault(error: BaseException, *, internal: bool) -> int:
    """The exit code of an error whose message is said elsewhere; what else to do about it goes to standard error."""
    if debugging():
        write_line("".join(traceback.format_exception(error)).rstrip("\n"), err=True)
    if not internal:
        return BAD_INPUT
    complain(REPORT)
    return INTERNAL


def internal_error_line(error: BaseException) -> str:
    """One line about a mistake of the package: what it was, where, with which versions, and how to report it."""
    from importlib.metadata import version

    from lrgd_jax import __version__

    said = first_sentence(str(error))
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    versions = f"lrgd_jax {__version__}, JAX {version('jax')}, Python {platform.python_version()}"
    return f"internal error: {what} (at {package_line(error)}; {versions}); {REPORT}"


def debugging() -> bool:
    """Whether tracebacks are wanted: `--debug` anywhere, or LRGD_DEBUG=1."""
    return _set(DEBUG)


def caching() -> bool:
    """Whether compiled programs may be kept: neither `--no-cache` nor LRGD_NO_CACHE=1."""
    return not _set(NO_CACHE)


def _set(variable: str) -> bool:
    return os.environ.get(variable, "") not in ("", "0")


DEBUG = "LRGD_DEBUG"
NO_CACHE = "LRGD_NO_CACHE"
UNPACK_ALL = "LRGD_UNPACK_ALL"
ANYWHERE = {"--debug": DEBUG, "--no-cache": NO_CACHE, "--quiet": QUIET, "--unpack-all": UNPACK_ALL}
"""Options of every command, and the variables of the environment that say the same."""


class CommandGroup(TyperGroup):
    """The commands, where whatever ends one of them becomes one line and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Takes the options of every command from wherever they stand before a `--`."""
        end = args.index("--") if "--" in args else len(args)
        for variable in {ANYWHERE[word] for word in args[:end] if word in ANYWHERE}:
            os.environ[variable] = "1"
            ctx.call_on_close(functools.partial(os.environ.pop, variable, None))
        with exit_with_code():
            return super().parse_args(ctx, [*(word for word in args[:end] if word not in ANYWHERE), *args[end:]])

    def invoke(self, ctx: Any) -> object:
        """Runs a command."""
        try:
            with exit_with_code():
                return super().invoke(ctx)
        finally:
            release_all()


@contextlib.contextmanager
def exit_with_code() -> Iterator[None]:
    """Turns whatever is raised into one line on standard error and an exit code; a request to stop, into 130."""
    try:
        with _stoppable():
            yield
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except (BrokenPipeError, SystemExit) as error:
        # rich has made the one into the other
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise typer.Exit(report_error(error)) from None
        _quiet()
        raise typer.Exit(BROKEN_PIPE) from None
    except Exception as error:
        if is_usage_error(error):
            complain(usage_sentence(error))
            raise typer.Exit(BAD_INPUT) from None
        if type(error).__module__.split(".")[0] in ("typer", "click"):
            # exits, and the help where no command is named: the framework shows it and has the code
            raise
        raise typer.Exit(report_error(error)) from None


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM stops a command as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    # a shell without job control lets what it starts in the background ignore SIGINT; stopped, it keeps what is done
    for sign in before:
        signal.signal(sign, signal.default_int_handler)
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def leave(code: object) -> None:
    """Ends the process at once where it was interrupted: threads that compile are not waited for."""
    for at_once in (INTERRUPTED, BROKEN_PIPE):
        if code == at_once:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(at_once)


def _quiet() -> None:
    """Nobody reads standard output any more, so what is still in its buffer goes nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
