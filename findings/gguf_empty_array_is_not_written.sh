#!/usr/bin/env bash
# The package gguf drops a metadata array that is empty, without a word; the reader then finds no such key.
#
# gguf 0.19.0. Guess: an array of length zero, or an error. Why it matters: "no merges" and "merges missing" read alike,
# so a loader cannot tell a tokenizer without merges from an incomplete file.
# Seen: keys written: one; asked for: none, one
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 gguf==0.19.0 numpy==2.4.6
seen="$(python -W ignore - <<'PY'
from gguf import GGUFReader, GGUFWriter

writer = GGUFWriter("file.gguf", "llama")
writer.add_array("none", [])
writer.add_array("one", ["a"])
for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
    write()
keys = [key for key in GGUFReader("file.gguf").fields if not key.startswith(("GGUF", "general"))]
print(f"keys written: {', '.join(keys)}; asked for: none, one")
PY
)"
expect "keys written: one; asked for: none, one" "$seen"
