"""Policies made from what people have already."""
