"""Counts of coverage are summed over the files of a room."""

from benchmarks.coverage_by_room import by_room, share


def said(statements, covered):
    counts = {"num_statements": statements, "covered_lines": covered, "num_branches": 2, "covered_branches": 1}
    return {"summary": counts}


def test_rooms_are_sums_of_their_files():
    files = {
        "lrgd_jax/types.py": said(4, 4),
        "lrgd_jax/dual/base.py": said(10, 5),
        "lrgd_jax/certify/exact/ring.py": said(6, 3),
        "lrgd_jax/certify/rule_coverage.py": said(2, 2),
    }
    rooms = by_room(files)
    assert {room: (sums["num_statements"], sums["covered_lines"]) for room, sums in rooms.items()} == {
        "all": (22, 14),
        "certify": (8, 5),
        "dual": (10, 5),
        "ground": (4, 4),
    }
    assert rooms["certify"]["covered_branches"] == 2


def test_a_share_of_nothing_is_a_dash():
    assert (share(1, 4), share(0, 0)) == ("25.0 %", "-")
