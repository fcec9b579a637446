"""Read damaged files, and count what becomes of them: `python read_damaged.py SHARED FIRST LAST` writes JSON.

Run by test_reading_damage.py in a process of its own, which a crash would end, a file that takes a minute ends with the
stack of every thread, and more than 3 GiB of memory are not given. Native decoders write what they like to stderr.
"""

import faulthandler
import io
import json
import resource
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from striate.errors import ImageError
from striate.images.preparation import Geometry
from striate.images.reading import examine

SEEDS = (
    *("hopper.jpg", "hopper_gray.jpg", "exif-200dpcm.jpg", "pil_sample_cmyk.jpg", "hopper_orientation_2.jpg"),
    *("hopper.png", "p_trns_single.png", "i_trns.png", "icc_profile.png", "blend_transparency.png"),
    *("hopper.gif", "dispose_prev.gif", "chi.gif", "hopper.bmp", "hopper_rle8.bmp", "pal8rletrns.png"),
    *("tiff_16bit_RGBa.tiff", "tiff_tiled_planar_16bit_RGBa.tiff", "12bit.cropped.tif", "16bit.deflate.tif"),
    *("hopper_bigtiff.tif", "hopper_jpg.tif", "g4_orientation_3.tif", "hopper.Lab.tif", "hopper_orientation_5.webp"),
    *("anim_frame2.webp", "hopper.ico", "16bit.cropped.jp2", "rgb32rle.tga", "hopper.ppm", "odd_stride.pcx"),
)
DEEP_PNG = ("basn6a16", "basi4a16", "oi2n0g16", "tbgn2c16", "basi3p04")
MINUTE, MEMORY = 60, 3 * 2**30  # seconds for a file, bytes above what is used at the start
WAYS = {
    "plain": examine,
    "deep": lambda content: examine(content, deep=True),
    "prepared": Geometry((24, 32), 3).prepare,
    "in range": Geometry((24, 32), range=(0, 65535)).prepare,
    "five bands": Geometry((24, 32), 5, interpolation="nearest").prepare,
}


def seeds(shared):
    """Small real files of each format, and what nobody has put there: many bands, AVIF, .npy."""
    odd = shared / "data/broken_and_odd"
    found = [(odd / "pillow" / name).read_bytes() for name in SEEDS]
    found += [(odd / f"pngsuite/{name}.png").read_bytes() for name in DEEP_PNG]
    pixels = np.random.default_rng(0).integers(0, 60000, (40, 30, 5), np.uint16)
    for options in ({}, {"compression": "zlib", "tile": (16, 16)}, {"compression": "lzw", "predictor": True}):
        file = io.BytesIO()
        tifffile.imwrite(file, pixels, photometric="minisblack", planarconfig="contig", **options)
        found.append(file.getvalue())
    for write in (
        lambda file: np.save(file, pixels),
        lambda file: Image.fromarray((pixels[:, :, :3] >> 8).astype(np.uint8)).save(file, "AVIF"),
        lambda file: Image.fromarray((pixels[:, :, :3] >> 8).astype(np.uint8)).save(file, "JPEG", progressive=True),
        lambda file: Image.fromarray((pixels[:, :, :3] >> 8).astype(np.uint8)).save(file, "SGI"),
    ):
        file = io.BytesIO()
        write(file)
        found.append(file.getvalue())
    return found


def damaged(contents, number):
    """File `number`: always the same."""
    draw = np.random.default_rng(number)
    content = bytearray(contents[draw.integers(len(contents))])
    kind = draw.integers(6)
    early = int(draw.integers(1, 64 if draw.random() < 0.5 else len(content)))  # half of all damage in the header
    if kind == 0:  # bits
        for place in draw.integers(0, early, draw.integers(1, 12)):
            content[place] ^= 1 << int(draw.integers(8))
    elif kind == 1:  # the end
        content = content[:early]
    elif kind == 2:  # two stretches change places
        length = int(draw.integers(1, 1 + len(content) // 4))
        one, other = sorted(int(place) for place in draw.integers(0, len(content) - length, 2))
        content[one : one + length], content[other : other + length] = (
            content[other : other + length],
            content[one : one + length],
        )
    elif kind == 3:  # the header of another file
        other = contents[draw.integers(len(contents))]
        content[:early] = other[:early]
    elif kind == 4:  # a number that is far too large, or zero
        filling = [b"\xff", b"\0", b"\x7f"][draw.integers(3)]
        length = int(draw.integers(1, 9))
        content[early : early + length] = filling * length
    else:  # a stretch is repeated
        content[early:early] = content[: int(draw.integers(1, 200))]
    return bytes(content)


def outcome(read, content):
    """read, refused, or what went wrong."""
    try:
        read(content)
    except ImageError as error:
        return "refused" if error.reason.isprintable() and 0 < len(error.reason) <= 400 else f"reason {error.reason!r}"
    except BaseException as error:  # which is what we are looking for
        return f"raised {error!r}"
    return "read"


def main(shared, first, last):
    faulthandler.enable()
    virtual = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (virtual + MEMORY, resource.RLIM_INFINITY))
    contents, counts, wrong = seeds(Path(shared)), Counter(), {}
    for number in range(int(first), int(last)):
        sys.stderr.write(f"file {number}\n")
        faulthandler.dump_traceback_later(MINUTE, exit=True)
        content = damaged(contents, number)
        for name, read in WAYS.items():
            said = outcome(read, content)
            counts[name, said if said in ("read", "refused") else "wrong"] += 1
            if said not in ("read", "refused"):
                wrong[f"{number}, {name}"] = said
    print(json.dumps({"counts": [[*key, count] for key, count in counts.items()], "wrong": wrong}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
