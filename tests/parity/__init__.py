"""minidl beside PyTorch, measured: which names, which of PyTorch's own samples agree, and where not.

`python -m tests.parity` runs everything, prints the table and writes PARITY.md."""
