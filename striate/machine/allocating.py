"""Memory that is given back is kept for the next batch, where the C library can be told so.

glibc gives large blocks back to the system at once, and the next block of the same size comes as fresh pages, each of
which the system must fill with zeros when it is first touched: normalising 64 photographs of 224x224 took five times
as long (docs/machine.md). Kept memory is used again by this process and by no other until it ends.
"""

import ctypes
import os

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # the names of mallopt's settings: malloc.h
_SETTINGS = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 << 20}  # blocks, bytes, bytes
SWITCH = "STRIATE_ALLOCATOR"  # "system" leaves everything as it is


def keep_freed_memory() -> tuple[str, str]:
    """Tell the allocator, once or again: ("keeps" or "system", why)."""
    if os.environ.get(SWITCH) == "system" or any(name.startswith("MALLOC_") for name in os.environ):
        return "system", "the environment says so"
    if any(name in os.environ.get("LD_PRELOAD", "") for name in ("jemalloc", "tcmalloc")):
        return "system", "another allocator is loaded, which keeps memory by itself"
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or not all(mallopt(name, value) for name, value in _SETTINGS.items()):
        return "system", "the C library cannot be told"
    return "keeps", f"freed blocks are used again instead of being zeroed anew ({SWITCH}=system changes it)"
