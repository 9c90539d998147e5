"""A world that is only imagined, for timelines to be played in: no I/O, and time is a number."""
