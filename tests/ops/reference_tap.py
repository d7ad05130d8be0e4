"""What `tap` gives: its arguments."""

REFERENCES = {"tap": lambda *xs, notify=None: xs}
