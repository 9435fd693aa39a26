"""`python -m lrgd_jax`, and what the script `lrgd` calls: an installation that cannot even start is no verdict."""

import sys

__all__ = ["main"]


def main() -> None:
    """The entry point."""
    try:
        from lrgd_jax.cli import main as run
    except ImportError as missing:
        sys.stderr.write(f"lrgd: it cannot start: {missing}; install lrgd_jax anew\n")
        sys.exit(3)
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
