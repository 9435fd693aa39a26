#!/usr/bin/env bash
# A program that prints with rich ends with exit code 1, silently, when its reader goes away (`program | head -1`).
#
# rich 15.0.0: `Console.print` catches the error of the closed pipe and exits with 1 itself. Guess: BrokenPipeError
# reaches the caller, who may choose a code. Why it matters: where 1 is a verdict ("it does not hold"), a closed pipe
# looks like one.
# Seen: exit code 1, standard error empty
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 rich==15.0.0
seen="$(python - <<'PY'
import subprocess
import sys

code = "from rich.console import Console\nconsole = Console()\nfor k in range(10000): console.print(k)"
with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
    process.stdout.close()
    said = process.stderr.read()
print(f"exit code {process.returncode}, standard error {'empty' if not said else said[-60:]}")
PY
)"
expect "exit code 1, standard error empty" "$seen"
