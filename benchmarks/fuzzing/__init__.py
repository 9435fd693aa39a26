"""Small valid files, changed a little, many times: each is read with the numbers that its bytes say, or refused.

python -m benchmarks.fuzzing --json docs/results/fuzzing/summary.json
"""
