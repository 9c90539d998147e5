"""Switchman: everything the entry points share."""
