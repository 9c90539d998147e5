"""The whole of Switchman as a process, looked at from outside."""
