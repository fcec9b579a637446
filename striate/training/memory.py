"""When memory runs out: the batch is taken in twice as many parts, and the run goes on from its last state."""

import torch

from striate.errors import RunError

_WORDS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "bad_alloc",
    "could not create a primitive",  # oneDNN, of its working memory
    "could not create a memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was no room: torch has one kind of error for GPUs and none for processors."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in str(error) for word in _WORDS)


def more_parts(parts: int, batch_size: int, error: BaseException) -> int:
    """Twice as many parts of a batch. Raises RunError if they would be of fewer than two images."""
    if 4 * parts > batch_size:
        raise RunError(
            f"memory ran out with {max(1, batch_size // parts)} images at once ({' '.join(str(error).split())[:100]}); "
            "use a smaller --size or --model, or --checkpointing"
        ) from error
    return 2 * parts
