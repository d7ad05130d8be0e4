"""What the tests of minidl, and of code built on it, lean on."""
