"""What processor threads do while they wait for each other. This module knows no torch: it must act before torch loads.

GNU OpenMP lets idle threads spin. When another process wants the same processor, they spin instead of the thread that
they wait for: with one busy process on two processors a training step of LeNet-5 took 200 ms, and 32 ms when idle
threads go to sleep soon (docs/decisions/0007-idle-threads.md has all figures).
"""

import os

_TURNS = "1000"  # of a waiting loop: microseconds


def let_idle_threads_sleep() -> None:
    """Shorten the spinning of threads that wait, unless the user has said how; of effect before torch is imported."""
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = _TURNS
