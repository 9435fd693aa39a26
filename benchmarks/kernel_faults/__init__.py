"""Faults of linear-attention and decoder kernels, re-made as pairs of small functions: does the checker refute each?

python -m benchmarks.kernel_faults --json docs/results/kernel-faults/summary.json
"""
