"""What a file that Pillow has opened says of itself, and more of its bits than Pillow tells.

Sources: PNG 3, section 11.2.1; ITU-T T.800, A.5.1 (JPEG 2000); AV1-ISOBMFF 1.2, section 2.3.3 (AVIF); TIFF 6.0, p. 29.
"""

from collections.abc import Callable

from PIL import Image

from striate.images.facts import Facts
from striate.images.orientation import TAG, known

TIFF_BITS = 258
_BITS = {"1": 1, "I": 32, "F": 32}  # of Pillow's modes
_GREY_AND_ALPHA = 4  # colour type of a PNG
_CODESTREAM_SIZE, _AV1 = b"\xff\x51", b"av1C"  # the marker and the box that know the bits


def facts_unread(image: Image.Image, head: bytes) -> Facts:
    """What can be told before the pixels are decoded, of a file that begins with `head`."""
    tags = getattr(image, "tag_v2", {})
    orientation = known(tags.get(TAG))  # of a TIFF, which Pillow turns as it loads it and then forgets
    width, height = image.size if orientation <= 4 else image.size[::-1]
    bits = _bits(image, head)
    return Facts(image.format or "array", _mode(image, head, bits), width, height, orientation, 1, bits, False)


def facts_read(image: Image.Image, unread: Facts) -> Facts:
    """The same, and what only the decoded image tells."""
    orientation = known(image.getexif().get(TAG)) if unread.orientation == 1 else unread.orientation
    return unread._replace(orientation=orientation, transparent=image.has_transparency_data, frames=_frames(image))


def _frames(image: Image.Image) -> int:
    """As many as can be walked through: of the first one, which is what is read, the others' damage says nothing."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # damage raises anything
        return 1 + image.tell()


def _mode(image: Image.Image, head: bytes, bits: int) -> str:
    """Pillow's, but 16 bits of colour are told, which Pillow calls as it calls 8."""
    if image.mode.startswith("I;16"):
        return "I;16"
    if bits <= 8 or image.mode in ("I", "F"):
        return image.mode
    grey = image.format == "PNG" and head[25:26] == bytes([_GREY_AND_ALPHA])
    return f"{'LA' if grey else image.mode};{bits}"


def _bits(image: Image.Image, head: bytes) -> int:
    """Bits of a channel as they are stored."""
    if image.format == "TIFF":
        return int((*image.tag_v2.get(TIFF_BITS, ()), 1)[0])  # type: ignore[attr-defined]
    if image.format == "PPM" and image.mode != "F":
        return largest_of_ppm(image).bit_length()
    tell = _TOLD.get(image.format or "")
    told = tell(head) if tell else None
    return told or (16 if image.mode.startswith("I;16") else _BITS.get(image.mode, 8))


def _told_by_jpeg2000(head: bytes) -> int | None:
    place = head.find(_CODESTREAM_SIZE) + 40
    return (head[place] & 127) + 1 if 40 <= place < len(head) else None


def _told_by_avif(head: bytes) -> int | None:
    place = head.find(_AV1) + 6
    return 8 + 2 * (head[place] >> 6 & 1) + 2 * (head[place] >> 5 & 1) if 6 <= place < len(head) else None


_TOLD: dict[str, Callable[[bytes], int | None]] = {
    "PNG": lambda head: head[24] if len(head) > 24 else None,
    "SGI": lambda head: 8 * head[3] if len(head) > 3 else None,
    "JPEG2000": _told_by_jpeg2000,
    "AVIF": _told_by_avif,
}


def largest_of_ppm(image: Image.Image) -> int:
    """The number that is white in a PGM or PPM, of which Pillow makes 255 or 65535."""
    tiles: list[tuple[object, ...]] = getattr(image, "tile", [])
    decoding = tiles[0][3] if tiles else ""
    if isinstance(decoding, tuple) and isinstance(decoding[-1], int):
        return decoding[-1]
    return {"1;I": 1, "I;16B": 65535}.get(str(decoding), 255)
