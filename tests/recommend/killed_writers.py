"""Writes updates into an opened recommender and is killed at a random moment, ten times: `killed_writers.py FILE SEED`.

Prints the numbers of the updates that were acknowledged. Update n is by user n % 7, of three items that say n.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from lrgd_jax.recommend.serving.recommender import Recommender

KILLS, ITEMS, LONGEST = 10, 32, 0.06
"""How often, the size of the catalogue, and seconds for which a writer lives at most after its first update."""


def content(number):
    """Whose update it is, and the items, digits of its number."""
    return f"user {number % 7}", [number % ITEMS, number // ITEMS % ITEMS, number // ITEMS**2 % ITEMS]


def write(file, start, pipe):
    opened = Recommender.open(file)
    for number in range(start, ITEMS**3):
        opened.update(*content(number), together=number % 2 == 0)
        os.write(pipe, f"{number}\n".encode())


def round_of_writing(file, start, alive):
    """One writer, killed; the numbers that it was told are kept."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        write(file, start, writing)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        first = stream.readline()
        time.sleep(alive)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return [int(line) for line in (first + stream.read()).splitlines()]


def main():
    file, rng = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
    start = 0
    for _ in range(KILLS):
        told = round_of_writing(file, start, LONGEST * rng.random())
        sys.stdout.write(" ".join(map(str, told)) + "\n")
        # whoever was killed may have written one more than it could say
        start = told[-1] + 2


if __name__ == "__main__":
    main()
