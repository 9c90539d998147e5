"""The entry points, one file each: decode, call one use case, map known errors."""
