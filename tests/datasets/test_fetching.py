"""Downloads from a real server on this machine, which behaves as badly as asked; hashlib is the oracle."""

import errno
import hashlib
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from striate.datasets.fetching import fetch
from striate.datasets.named import NAMED, File, Named
from striate.errors import DataError, SettingsError, StorageError, UnknownNameError

CONTENTS = {"a.bin": os.urandom(700_001), "b.bin": b"small"}


class Server(http.server.ThreadingHTTPServer):
    """Gives CONTENTS away, and remembers what it was asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.contents = dict(CONTENTS)
        self.asked = []  # (path, Range)
        self.cuts = []  # after how many bytes each of the next answers ends
        self.ranges = True  # whether it understands them
        self.lengths = True  # whether it tells them
        self.silent = threading.Event()  # whoever asks for hang.bin waits for it
        self.lie = ""  # the Content-Range that it tells instead of the right one

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/files/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name, wanted = self.path.removeprefix("/files/"), self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        if name in ("hang.bin", "stall.bin"):
            if name == "stall.bin":
                self.send_response(200)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"sm")
                self.wfile.flush()
            self.server.silent.wait(20)
            return
        if name not in self.server.contents:
            self.send_error(404)
            return
        content, start = self.server.contents[name], 0
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        if start:
            told = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", self.server.lie or told)
        if self.server.lengths:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(content)
        self.wfile.write(content[start:][:cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path / "data"))
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        known = tiny(*CONTENTS.items(), sources=(running.address,))
        monkeypatch.setitem(NAMED, "tiny", known)
        yield running
        running.silent.set()
        running.shutdown()
        thread.join(10)
        assert not thread.is_alive()


def tiny(*files, sources):
    known = tuple(File(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in files)
    return Named("tiny", "two files", "http://127.0.0.1/", "none", (), sources, known, bool, str)


def lying(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def test_every_file_arrives_whole(server, tmp_path):
    told = []
    folder = fetch("tiny", watch=lambda *step: told.append(step))
    assert folder == tmp_path / "data/tiny"
    assert lying(folder) == CONTENTS
    assert server.asked == [("/files/a.bin", None), ("/files/b.bin", None)]
    assert told[0] == ("a.bin", 0, 700_001) and told[-1] == ("b.bin", 5, 5)
    of_a = [received for name, received, _ in told if name == "a.bin"]
    assert of_a == sorted(of_a) and of_a[-1] == 700_001 and len(of_a) >= 3


def test_a_folder_may_be_chosen(server, tmp_path):
    assert fetch("tiny", to=tmp_path / "else/where") == tmp_path / "else/where/tiny"
    assert lying(tmp_path / "else/where/tiny") == CONTENTS


def test_what_is_there_is_not_fetched_again(server):
    fetch("tiny")
    server.asked.clear()
    fetch("tiny")
    assert server.asked == []


def test_a_file_that_is_there_and_differs_is_left_alone(server, tmp_path):
    (tmp_path / "data/tiny").mkdir(parents=True)
    (tmp_path / "data/tiny/a.bin").write_bytes(b"mine")
    mine = hashlib.sha256(b"mine").hexdigest()
    with pytest.raises(DataError, match=rf"a\.bin is there with the SHA-256 sum {mine}; expected .*: move it away"):
        fetch("tiny")
    assert lying(tmp_path / "data/tiny") == {"a.bin": b"mine"}


@pytest.mark.parametrize("lengths", [True, False])
def test_a_connection_that_is_cut_goes_on_where_it_stopped(server, lengths):
    server.lengths = lengths
    server.cuts = [300_000, 100_000]
    assert lying(fetch("tiny")) == CONTENTS
    assert server.asked == [
        ("/files/a.bin", None),
        ("/files/a.bin", "bytes=300000-"),
        ("/files/a.bin", "bytes=400000-"),
        ("/files/b.bin", None),
    ]


def test_a_connection_that_is_always_cut_is_given_up_and_a_later_run_goes_on(server, tmp_path):
    server.cuts = [100_000] * 3
    with pytest.raises(
        DataError, match=r"stopped after 300,000 of 700,001 bytes; .*a\.bin\.part keeps what was received"
    ):
        fetch("tiny")
    assert lying(tmp_path / "data/tiny") == {"a.bin.part": CONTENTS["a.bin"][:300_000]}
    server.asked.clear()
    assert lying(fetch("tiny")) == CONTENTS
    assert server.asked[0] == ("/files/a.bin", "bytes=300000-")


def test_a_server_without_ranges_begins_anew(server):
    server.ranges = False
    server.cuts = [300_000]
    assert lying(fetch("tiny")) == CONTENTS
    assert server.asked[1] == ("/files/a.bin", "bytes=300000-")


def test_a_server_that_sends_other_bytes_than_asked_is_refused(server, tmp_path):
    server.cuts = [300_000]
    server.lie = "bytes 0-700000/700001"
    with pytest.raises(DataError, match=r"was asked for the bytes from 300,000 on and sends bytes 0-700000/700001"):
        fetch("tiny")
    assert lying(tmp_path / "data/tiny") == {"a.bin.part": CONTENTS["a.bin"][:300_000]}


def test_a_part_that_is_whole_already_only_gets_its_name(server, tmp_path):
    (tmp_path / "data/tiny").mkdir(parents=True)
    (tmp_path / "data/tiny/a.bin.part").write_bytes(CONTENTS["a.bin"])
    assert lying(fetch("tiny")) == CONTENTS
    assert [path for path, _ in server.asked] == ["/files/b.bin"]


def test_a_part_that_is_too_long_is_begun_anew(server, tmp_path):
    (tmp_path / "data/tiny").mkdir(parents=True)
    (tmp_path / "data/tiny/a.bin.part").write_bytes(CONTENTS["a.bin"] + b"x")
    assert lying(fetch("tiny")) == CONTENTS


def test_a_wrong_checksum_leaves_nothing_and_tells_both(server, tmp_path):
    server.contents["a.bin"] = wrong = bytes(700_001)
    with pytest.raises(DataError) as caught:
        fetch("tiny")
    right, got = (hashlib.sha256(content).hexdigest() for content in (CONTENTS["a.bin"], wrong))
    assert f"its SHA-256 sum is {got}; expected {right}" in str(caught.value)
    assert f"{server.address}a.bin is not the file that was published" in str(caught.value)
    assert lying(tmp_path / "data/tiny") == {}


@pytest.mark.parametrize("content", [b"", b"<html>Please log in</html>", CONTENTS["a.bin"] + b"more"])
def test_a_file_of_another_length_is_refused_before_it_is_received(server, tmp_path, content):
    server.contents["a.bin"] = content
    with pytest.raises(DataError, match=rf"a\.bin has {len(content):,} bytes; expected 700,001"):
        fetch("tiny")
    assert lying(tmp_path / "data/tiny") == {}


def test_a_file_that_is_not_there_is_told(server):
    del server.contents["b.bin"]
    with pytest.raises(
        DataError, match=r"b\.bin cannot be had: http://127\.0\.0\.1:\d+/files/b\.bin answers 404 Not Found"
    ):
        fetch("tiny")


@pytest.mark.parametrize("name", ["hang.bin", "stall.bin"])
def test_a_silent_server_is_given_up(server, monkeypatch, name):
    monkeypatch.setitem(NAMED, "tiny", tiny((name, b"small"), sources=(server.address,)))
    with pytest.raises(DataError, match=rf"{name} was silent for 0\.2 s"):
        fetch("tiny", patience=0.2)
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_is_told(server):
    with pytest.raises(DataError, match=r"http://127\.0\.0\.1:1/a\.bin fails: .*refused"):
        fetch("tiny", mirror="http://127.0.0.1:1")


@pytest.mark.parametrize("first", ["http://127.0.0.1:1/", "{}gone/", "http://127.0.0.1:port/"])
def test_the_second_source_is_asked_if_the_first_has_nothing(server, monkeypatch, first):
    sources = (first.format(server.address), server.address)
    monkeypatch.setitem(NAMED, "tiny", tiny(*CONTENTS.items(), sources=sources))
    assert lying(fetch("tiny")) == CONTENTS


def test_a_mirror_is_asked_and_nobody_else(server, monkeypatch):
    monkeypatch.setitem(NAMED, "tiny", tiny(*CONTENTS.items(), sources=("http://127.0.0.1:1/",)))
    assert lying(fetch("tiny", mirror=server.address.rstrip("/"))) == CONTENTS
    assert server.asked[0] == ("/files/a.bin", None)


@pytest.mark.parametrize(
    "mirror", ["", "/data/mnist", "file:///data/mnist", "ftp://host/mnist", "example.org", "http://[", "http://"]
)
def test_a_mirror_that_is_no_address_is_refused(server, mirror):
    with pytest.raises(SettingsError, match=r"the mirror is '.*'; expected an address as https://example\.org/mnist/"):
        fetch("tiny", mirror=mirror)


def test_digits_are_not_fetched(server):
    with pytest.raises(DataError, match="digits is part of scikit-learn, so there is nothing to download"):
        fetch("digits")


def test_an_unknown_name_is_refused(server):
    with pytest.raises(UnknownNameError, match="unknown data set 'tinny'; did you mean tiny"):
        fetch("tinny")


FULL_DISK = """
import resource, sys
from striate.datasets.fetching import fetch
from striate.datasets.named import NAMED, File, Named

address, digest = sys.argv[1:]
file = File("a.bin", 700_001, digest)
NAMED["tiny"] = Named("tiny", "", "", "", (), (address,), (file,), bool, str)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
fetch("tiny")
"""


def test_a_full_disk_is_told_and_what_was_received_is_kept(server, tmp_path):
    digest = hashlib.sha256(CONTENTS["a.bin"]).hexdigest()
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK, server.address, digest], capture_output=True, text=True, check=False
    )
    last = result.stderr.splitlines()[-1]
    assert (
        last.startswith("striate.errors.StorageError: cannot write") and "a.bin.part: File too large; make room" in last
    )
    assert lying(tmp_path / "data/tiny") == {"a.bin.part": CONTENTS["a.bin"][:400_000]}
    assert lying(fetch("tiny")) == CONTENTS
    assert ("/files/a.bin", "bytes=400000-") in server.asked


def test_a_folder_in_the_place_of_a_file_is_told(server, tmp_path):
    (tmp_path / "data/tiny/a.bin").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"a\.bin cannot be read: Is a directory; move it away and fetch again"):
        fetch("tiny")


def test_a_place_that_cannot_be_a_folder_is_told(server, tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(StorageError, match=r"cannot write .*file/tiny/a\.bin\.part: Not a directory"):
        fetch("tiny", to=tmp_path / "file")


def test_the_file_is_on_the_disk_before_it_gets_its_name(server, monkeypatch):
    calls = []
    for owner, name in ((os, "fsync"), (Path, "replace")):
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given, name=name, real=real: (calls.append(name), real(*given)))
    fetch("tiny")
    assert calls == ["fsync", "replace"] * 2


def test_a_disk_that_fails_at_the_end_is_told(server, tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match=r"a\.bin: Input/output error"):
        fetch("tiny")
    assert lying(tmp_path / "data/tiny") == {"a.bin.part": CONTENTS["a.bin"]}
