"""Where prepared images can be kept."""

from typing import Literal

Keep = Literal["auto", "memory", "disk", "none"]
