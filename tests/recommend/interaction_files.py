"""Files as users have them: Amazon's three forms, tables, and ordered lists."""

import gzip
import json

DAY = 86_400


def lines(file, objects):
    """JSON lines, gzipped where the name says so."""
    text = "".join(json.dumps(x) + "\n" for x in objects)
    if file.suffix == ".gz":
        with gzip.open(file, "wt") as stream:
            stream.write(text)
    else:
        file.write_text(text)
    return file


def events():
    """(user, item, rating, day): four users with all of three items and more, one with a single item."""
    found = [(f"u{u}", f"i{i}", 3 + (u + i) % 3, 10 * u + i) for u in range(4) for i in range(3 + u % 2)]
    return [*found, ("lonely", "i0", 5, 3), ("u0", "i0", 1, 99)]


def reviews(year):
    """The events as Amazon's reviews of a year, newest first, with fields that nobody asks for."""
    old = [
        {
            "reviewerID": u,
            "asin": i,
            "overall": float(r),
            "unixReviewTime": d * DAY,
            "reviewText": "so so",
            "vote": "1,002",
        }
        for u, i, r, d in events()
    ]
    new = [
        {
            "rating": float(r),
            "title": "Ok",
            "images": [],
            "asin": "x" + i,
            "parent_asin": i,
            "user_id": u,
            "timestamp": d * DAY * 1000 + 5,
        }
        for u, i, r, d in events()
    ]
    return (new if year == 2023 else old)[::-1]


def metadata(year):
    key = "parent_asin" if year == 2023 else "asin"
    return [
        {key: "i0", "title": "The  first\nthing", "price": None},
        {key: "i1", "title": ""},
        {key: "i2", "title": "It's"},
    ]
