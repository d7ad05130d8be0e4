"""`minidl demo`: proves every gradient, then learns real handwriting with them."""
