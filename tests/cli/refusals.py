"""What every wrong input has in common: exit code 2, one message in one line, and nothing written."""

from typer.testing import CliRunner

from lrgd_jax.cli import app

BEFORE = b"as it was before"
"""What stands in the files that a refused command was to replace."""

DEEP = b"[" * 50_000 + b"]" * 50_000
BROKEN_JSON = {
    "nested too deeply": DEEP,
    "objects nested too deeply": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a list": b"[]",
    "a number": b"3",
    "null": b"null",
    "a text": b'"x"',
    "cut off": b'{"a": ',
    "empty": b"",
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": "{}".encode("utf-16"),
    "a number of 5,000 digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "null bytes": b"\0\0",
}
"""Files that are no object in JSON, or none that can be read."""


def contents(folder):
    """Every file and folder below one, with the bytes of the files."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def run(*arguments):
    """A command line in this process."""
    return CliRunner().invoke(app, [str(x) for x in arguments], catch_exceptions=False)


def refusal(folder, *arguments, outputs=()):
    """The message with which a command refuses its input; whatever is in the folder, the outputs too, stays as it was.

    Args:
        folder: everything that the command may write is below it.
        arguments: of the command line.
        outputs: options that name a file, which is there already.
    """
    for option in outputs:
        file = folder / f"result{option.replace('-', '_')}"
        file.write_bytes(BEFORE)
        arguments = (*arguments, option, file)
    before = contents(folder)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("lrgd: ")
    assert all(letter.isprintable() for letter in line)
    assert contents(folder) == before
    return line.removeprefix("lrgd: ")
