# Sourced by each script: `environment PYTHON_AT_LEAST PACKAGE==VERSION ...` makes a temporary virtual environment with
# those packages and puts its python first on PATH; it is removed on exit.
#
# PYTHON names the interpreter; without it the first of python3.13, python3.12, python3 and pyenv's that is new enough
# is taken.
set -euo pipefail
FINDINGS_TEMPORARY="$(mktemp -d)"
trap 'rm -rf "$FINDINGS_TEMPORARY"' EXIT

interpreter() {
  local least="$1" candidate
  for candidate in ${PYTHON:-} python3.13 python3.12 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[23]*/bin/python; do
    if "$candidate" -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$least'.split('.'))))" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "needs Python $least or newer; name one: PYTHON=python3.13 $0" >&2
  exit 2
}

environment() {
  local least="$1"
  shift
  local python folder
  python="$(interpreter "$least")"
  folder="$(mktemp -d "$FINDINGS_TEMPORARY/XXXXXX")"
  "$python" -m venv "$folder"
  "$folder/bin/python" -m pip --disable-pip-version-check install --quiet "$@"
  export PATH="$folder/bin:$PATH" JAX_PLATFORMS=cpu
  cd "$FINDINGS_TEMPORARY"
}

# `expect WHAT SEEN`: fails where the software does not do any more what is written down here
expect() {
  if [ "$1" != "$2" ]; then
    printf 'changed:\n  written down: %s\n  seen now:     %s\n' "$1" "$2" >&2
    exit 1
  fi
  printf 'still so: %s\n' "$2"
}
