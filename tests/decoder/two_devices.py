"""Run with two host devices by test_devices: prints what each of them held, and the numbers."""

import json
import sys

import jax

from decoder.helpers import decoder
from decoder.spread_work import CONFIG, POINTS, losses, scores
from lrgd_jax.decoder import everywhere, over_devices, spread


def shares(x):
    return sorted((share.device.id, list(share.data.shape)) for share in x.addressable_shards)


params = everywhere(decoder(CONFIG))
seen = []


def watched(points):
    found = losses(params, points)
    seen.append((shares(points), shares(found)))
    return found


whole = over_devices(watched, POINTS[:4], batch=2)
try:
    spread(POINTS[:3])
    refused = ""
except ValueError as error:
    refused = str(error)
result = {
    "devices": jax.device_count(),
    "params": shares(params.embedding),
    "seen": seen,
    "whole": shares(whole),
    "losses": over_devices(lambda points: losses(params, points), POINTS, batch=2).tolist(),
    "scores": scores(params).tolist(),
    "refused": refused,
}
json.dump(result, sys.stdout)
