"""Run with two host devices by test_devices: prints what each of them held, and the numbers."""

import json
import sys

import jax

from decoder.helpers import decoder
from decoder.spread_work import CONFIG, POINTS, losses, scores
from lrgd_jax.decoder import map_over_devices, replicate, shard


def shares(x):
    return sorted((share.device.id, list(share.data.shape)) for share in x.addressable_shards)


params = replicate(decoder(CONFIG))
seen = []


def watched(points):
    found = losses(params, points)
    seen.append((shares(points), shares(found)))
    return found


whole = map_over_devices(watched, POINTS[:4], batch=2)
try:
    shard(POINTS[:3])
    refused = ""
except ValueError as error:
    refused = str(error)
result = {
    "devices": jax.device_count(),
    "params": shares(params.embedding),
    "seen": seen,
    "whole": shares(whole),
    "losses": map_over_devices(lambda points: losses(params, points), POINTS, batch=2).tolist(),
    "scores": scores(params).tolist(),
    "refused": refused,
}
json.dump(result, sys.stdout)
