"""Download a data set that is known by name, when asked to: each file whole and with its checksum, or not at all.

What was received lies in NAME.part until it is complete; a download that was cut off goes on there (RFC 9110, section
14, "Range Requests"). Only a file of the right length and SHA-256 sum gets its name.
"""

import hashlib
import http.client
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from striate.datasets.named import File, folders, named
from striate.errors import DataError, SettingsError, StorageError

_CHUNK = 1 << 18  # bytes
_TRIES = 3  # of one source that cuts the connection; each goes on where the last one stopped
_PARTIAL = 206  # HTTP: the bytes that were asked for, not the whole

Watch = Callable[[str, int, int], None]  # a file's name, bytes received, bytes in all


def fetch(
    name: str,
    *,
    to: str | os.PathLike[str] | None = None,
    mirror: str | None = None,
    patience: float = 30.0,
    watch: Watch = lambda _name, _received, _size: None,
) -> Path:
    """Download the files of a data set into `to`/NAME, or where `open_named` looks first; gives that folder.

    With `mirror`, a folder on the network with all the files, it asks nobody else. A server that is silent for
    `patience` seconds is given up. Files that are there already are checked and kept. Raises UnknownNameError,
    SettingsError for a mirror that is no address, StorageError if the disk is full, and DataError if a file cannot be
    had, or is not the one that was published.
    """
    known = named(name)
    if not known.files:
        raise DataError(f"{name} is part of scikit-learn, so there is nothing to download; open it by its name")
    sources = known.sources if mirror is None else (_address(mirror),)
    folder = folders(name)[0] if to is None else Path(to) / name
    for file in known.files:
        _fetch_file(file, folder, sources, patience, watch)
    return folder


def _address(mirror: str) -> str:
    try:
        address = urlsplit(mirror)
    except ValueError:
        address = urlsplit("")
    if address.scheme not in ("http", "https") or not address.netloc:
        raise SettingsError(f"the mirror is {mirror!r}; expected an address as https://example.org/mnist/")
    return mirror.rstrip("/") + "/"


def _fetch_file(file: File, folder: Path, sources: tuple[str, ...], patience: float, watch: Watch) -> None:
    place, part = folder / file.name, folder / f"{file.name}.part"
    if place.exists():
        if (digest := _digest(place)) != file.sha256:
            raise DataError(f"{place} is there with the SHA-256 sum {digest}; expected {file.sha256}: move it away")
        return
    reasons = []
    for source in sources:
        try:
            _receive(source + file.name, file, part, patience, watch)
            _expect_published(file, part)
        except _NotHadError as reason:
            reasons.append(f"{source}{file.name} {reason}")
        else:
            _name(part, place)
            return
    kept = f"; {part} keeps what was received: fetch again to go on there" if part.exists() else ""
    raise DataError(
        f"{file.name} cannot be had: {'; '.join(reasons)}{kept}; without a network put the file into {folder}, or "
        "name a --mirror"
    )


class _NotHadError(Exception):
    """Why a source did not give the file."""


class _CutOffError(_NotHadError):
    """It began to, so it may go on."""


def _receive(address: str, file: File, part: Path, patience: float, watch: Watch) -> None:
    """Bring `part` to the length of the file, in several tries if the connection is cut off."""
    for tries_left in reversed(range(_TRIES)):
        try:
            _receive_more(address, file, part, patience, watch)
        except _CutOffError:
            if not tries_left:
                raise
        else:
            return


def _receive_more(address: str, file: File, part: Path, patience: float, watch: Watch) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have == file.size:
        return
    asked = {"Range": f"bytes={have}-"} if 0 < have < file.size else {}
    try:
        with urlopen(Request(address, headers=asked | {"User-Agent": "striate"}), timeout=patience) as answer:
            start = have if asked and answer.status == _PARTIAL else 0
            _expect_rest(answer, start, file)
            _write(answer, part, start, file, watch)
    except HTTPError as error:
        raise _NotHadError(f"answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:  # of the network: those of the disk are StorageErrors
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            raise _NotHadError(f"was silent for {patience:g} s") from error
        raise (_NotHadError if isinstance(error, URLError) else _CutOffError)(f"fails: {reason}") from error


def _expect_rest(answer: http.client.HTTPResponse, start: int, file: File) -> None:
    """What is sent must be the file from `start` to its end."""
    told = answer.headers.get("Content-Range", "")
    if start and not told.startswith(f"bytes {start}-"):
        raise _NotHadError(f"was asked for the bytes from {start:,} on and sends {told or 'others'}")
    if answer.length is not None and start + answer.length != file.size:
        raise _NotHadError(f"has {start + answer.length:,} bytes; expected {file.size:,}")


def _write(answer: http.client.HTTPResponse, part: Path, start: int, file: File, watch: Watch) -> None:
    """Put what comes behind the first `start` bytes of `part`."""
    with _storing(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        kept = part.open("ab", buffering=0)
    with kept:
        with _storing(part):
            kept.truncate(start)
        received = start
        watch(file.name, received, file.size)
        while received < file.size and (chunk := answer.read(min(_CHUNK, file.size - received))):
            received += len(chunk)
            with _storing(part):
                while chunk:
                    chunk = chunk[kept.write(chunk) :]
            watch(file.name, received, file.size)
    if received < file.size:
        raise _CutOffError(f"stopped after {received:,} of {file.size:,} bytes")


def _expect_published(file: File, part: Path) -> None:
    """Remove `part` if its bytes are not those that were published."""
    if (digest := _digest(part)) != file.sha256:
        part.unlink()
        raise _NotHadError(f"is not the file that was published: its SHA-256 sum is {digest}; expected {file.sha256}")


def _name(part: Path, place: Path) -> None:
    """The file gets its name when all of it is on the disk."""
    with _storing(place), part.open("rb") as file:
        os.fsync(file.fileno())
        part.replace(place)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}; move it away and fetch again") from error


@contextmanager
def _storing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; make room, or choose another folder, and fetch again: it "
            "goes on where it stopped"
        ) from error
