"""Which of the processes of one run this is, by what torchrun says in the environment; nothing is imported for it."""

import os
import sys


def rank() -> int:
    """From 0; 0 where torchrun has started nothing."""
    return int(os.environ.get("RANK", "0"))


def size() -> int:
    """How many there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this is the one process of them that speaks of what goes well."""
    return rank() == 0


def unmet() -> bool:
    """Whether this is another one, and has not met the first: what stops it so early, stops that one too."""
    distributed = sys.modules.get("torch.distributed")
    return not is_first() and (distributed is None or not distributed.is_initialized())
