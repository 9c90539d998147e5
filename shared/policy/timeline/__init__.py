"""Timelines as people write them: entries of `switchman simulate` and of a policy's cases."""
