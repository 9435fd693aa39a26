"""One target a loader."""

from benchmarks.fuzzing.targets import checkpoints, gguf_files, recommenders, results, tables, texts

TARGETS = (
    *checkpoints.TARGETS,
    *gguf_files.TARGETS,
    *texts.TARGETS,
    *results.TARGETS,
    *recommenders.TARGETS,
    *tables.TARGETS,
)
