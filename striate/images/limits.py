"""How large an image may be: a few bytes can claim more pixels than fit into any memory."""

from striate.errors import ImageError

PIXEL_LIMIT = 89_478_485  # Pillow's own
VALUE_LIMIT = 4 * PIXEL_LIMIT  # pixels times bands


def expect_no_bomb(width: int, height: int, bands: int = 1) -> None:
    """Raise ImageError if an image is larger than the limits."""
    if width * height > PIXEL_LIMIT:
        raise ImageError(f"{width}×{height} is more than {PIXEL_LIMIT:,} pixels: a decompression bomb?")
    if width * height * bands > VALUE_LIMIT:
        size = f"{width}×{height} in {bands} bands"
        raise ImageError(f"{size} is more than {VALUE_LIMIT:,} values: a decompression bomb?")
