"""Small tar archives, made by Python's own tarfile."""

import importlib.util
import io
import json
import subprocess
import sys
import tarfile

import pytest
from PIL import Image

# in a process of its own, since it leaves files open
_WEBDATASET = """
import json, sys, webdataset
for sample in webdataset.WebDataset(sys.argv[1:], shardshuffle=False):
    print(json.dumps({key: value.hex() if isinstance(value, bytes) else value for key, value in sample.items()}))
"""


def picture(value=0, size=(4, 3), ending="PNG"):
    """The bytes of a small grey image."""
    content = io.BytesIO()
    Image.new("L", size, value).save(content, ending)
    return content.getvalue()


def pack(path, files, kind=tarfile.PAX_FORMAT, mode="w"):
    """Write (name, content) pairs, or TarInfos without content, into an archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode, format=kind) as archive:
        for file in files.items() if isinstance(files, dict) else files:
            if isinstance(file, tarfile.TarInfo):
                archive.addfile(file)
                continue
            member = tarfile.TarInfo(file[0])
            member.size = len(file[1])
            archive.addfile(member, io.BytesIO(file[1]))
    return path


def link(name, kind, to="a.png"):
    """A member that is no file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


def by_webdataset(*shards):
    """The samples as the Python package webdataset reads them: {ending: bytes}, and "__key__"."""
    if importlib.util.find_spec("webdataset") is None:
        pytest.skip("the package webdataset, which is the oracle here, is not installed")
    command = [sys.executable, "-c", _WEBDATASET, *map(str, shards)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [
        {key: value if key.startswith("__") else bytes.fromhex(value) for key, value in json.loads(line).items()}
        for line in lines
    ]
