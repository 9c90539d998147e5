"""What Switchman knows and decides. Pure: no I/O, no clock, no randomness."""
