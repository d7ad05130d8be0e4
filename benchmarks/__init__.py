"""Benchmarks: one question a file. Each compares results first and times second, side by side in one run."""
