"""Switchman's tests."""
