"""Measures XLA's elementary functions and writes the constants of the rounding bounds that come with the package.

    python benchmarks/measure_rounding.py             # print the table, write lrgd_jax/certify/rounding/measured/
    python benchmarks/measure_rounding.py --check     # print the table, write nothing

One file for each version of jaxlib, platform and device. `lrgd doctor` does the same for a user's own device.
"""

from __future__ import annotations

import argparse
import pathlib

import jax

from lrgd_jax.certify.rounding.constants import Record, record_file, write_record
from lrgd_jax.certify.rounding.measuring import COUNT, FORMATS, measure_all
from lrgd_jax.certify.tracing.jax_versions import running

TARGET = pathlib.Path(__file__).parents[1] / "lrgd_jax" / "certify" / "rounding" / "measured"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--count", type=int, default=COUNT, help="points per function (a tenth of it in float64)")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    measured = {}
    print(f"{'function':10}" + "".join(f"{form:>12}" for form in FORMATS))
    for name, row in measure_all(options.count):
        measured[name] = row
        print(f"{name:10}" + "".join(f"{row[form]:12.3f}" for form in row), flush=True)
    if not options.check:
        write_record(Record(running(), measured), record_file(running(), TARGET))


if __name__ == "__main__":
    main()
