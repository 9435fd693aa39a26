"""python -m release [build] [alone] [LANE ...]: everything unless something is named."""

import argparse
import sys
import tempfile
from pathlib import Path

from release.builds import build_twice, check_contents, sdist_alone, wheel_alone
from release.commands import run_pages
from release.lanes import LANES, run_licences, try_lane


def main() -> None:
    """Runs the checks that are named, in their order."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    stages = ("build", "alone", *LANES, "licences")
    parser.add_argument("stages", nargs="*", help=f"some of {', '.join(stages)}; all but licences unless named")
    named = parser.parse_args().stages or stages[:-1]
    if not set(named) <= set(stages):
        parser.error(f"expected some of {', '.join(stages)}; got {' '.join(named)}")
    if "build" in named:
        build_twice()
        check_contents()
    if "alone" in named:
        sdist_alone()
        with tempfile.TemporaryDirectory() as folder:
            run_pages(Path(sys.executable), wheel_alone(Path(folder)))
    tried = {lane: try_lane(lane, sbom=lane == "3.11-newest") for lane in LANES if lane in named}
    if "licences" in named:
        run_licences(Path(sys.executable))
    skipped = [lane for lane, done in tried.items() if not done]
    print(f"== passed{f'; SKIPPED for want of a Python: {skipped}' if skipped else ''}")


if __name__ == "__main__":
    main()
