"""The oracles are Python's tarfile and GNU tar, which write the archives and say what is in them."""

import gzip
import lzma
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from striate.datasets.layouts.tarring import members
from striate.errors import DataError
from tests.datasets.layouts.tars import link, pack

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def listed(path):
    with path.open("rb") as file:
        return list(members(file, path))


def contents(path):
    whole = path.read_bytes()
    return {name: whole[offset : offset + size] for name, offset, size in listed(path)}


def by_tarfile(path):
    with tarfile.open(path) as archive:
        return {
            member.name.removeprefix("./"): archive.extractfile(member).read() for member in archive if member.isreg()
        }


@settings(max_examples=60)
@given(
    files=some.dictionaries(
        some.text(some.characters(exclude_characters="\0/", codec="utf-8"), min_size=1, max_size=30).filter(
            lambda name: name.strip(".")
        ),
        some.binary(max_size=1500),
        max_size=5,
    ),
    folder=some.sampled_from(["", "short/", "f" * 90 + "/" + "g" * 90 + "/", "d" * 300 + "/"]),
    kind=some.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_every_archive_that_tarfile_writes_is_read_as_tarfile_reads_it(files, folder, kind):
    with TemporaryDirectory() as place:
        path = pack(Path(place, "a.tar"), {folder + name: content for name, content in files.items()}, kind)
        assert contents(path) == by_tarfile(path)


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_a_name_of_two_hundred_bytes_is_kept_whole(tmp_path, kind):
    name = "f" * 90 + "/" + "g" * 90 + ".png"
    assert [member.name for member in listed(pack(tmp_path / "a.tar", {name: b"x"}, kind))] == [name]


@pytest.mark.parametrize("kind", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_archives_of_gnu_tar_are_read(tmp_path, kind):
    if shutil.which("tar") is None:
        pytest.skip("there is no tar here")
    (tmp_path / "in" / "cat").mkdir(parents=True)
    (tmp_path / "in" / "cat" / "1.png").write_bytes(b"meow" * 300)
    (tmp_path / "in" / "cat" / "1.cls").write_bytes(b"0")
    archive = tmp_path / "a.tar"
    subprocess.run(["tar", f"--format={kind}", "-cf", archive, "-C", tmp_path / "in", "."], check=True)
    assert contents(archive) == {"cat/1.png": b"meow" * 300, "cat/1.cls": b"0"}


def test_names_that_are_no_text_are_kept(tmp_path):
    name = b"\xff.png".decode(errors="surrogateescape")
    for kind in FORMATS.values():
        assert [member.name for member in listed(pack(tmp_path / "a.tar", {name: b"x"}, kind))] == [name]


def test_a_size_beyond_eight_octal_gigabytes_is_understood(tmp_path):
    size = 9 * 2**30  # more than eleven octal digits tell; the file is sparse on the disk, the archive is not
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        first, last = tarfile.TarInfo("huge.bin"), tarfile.TarInfo("small.png")
        first.size = size
        path = tmp_path / "a.tar"
        with path.open("wb") as file:
            file.write(first.tobuf(kind))
            file.seek(size, 1)
            file.write(last.tobuf(kind) + bytes(1024))
        (huge, small) = listed(path)
        assert (huge.name, huge.size) == ("huge.bin", size)
        assert small == ("small.png", small.offset, 0)


def test_folders_are_no_files(tmp_path):
    assert listed(pack(tmp_path / "a.tar", [link("cat", tarfile.DIRTYPE), ("cat/1.png", b"x")]))[0].name == "cat/1.png"


def test_a_note_on_the_whole_archive_is_no_file(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "made by git"}) as archive:
        archive.addfile(tarfile.TarInfo("é" * 80 + ".png"))
    assert [member.name for member in listed(path)] == ["é" * 80 + ".png"]


def test_an_archive_without_files_has_none(tmp_path):
    assert listed(pack(tmp_path / "a.tar", {})) == []


@pytest.mark.parametrize("cut", range(1, 6 * 512, 97))
def test_an_archive_that_is_cut_anywhere_is_refused(tmp_path, cut):
    path = pack(tmp_path / "a.tar", {"a.png": b"x" * 700, "é.png": b"y" * 100})
    with tarfile.open(path) as archive:
        end = archive.getmembers()[-1].offset_data + 512  # two empty blocks follow
    path.write_bytes(path.read_bytes()[: min(cut, end + 511)])
    with pytest.raises(DataError, match=r"a\.tar (is cut short|is damaged|is not a tar archive)"):
        listed(path)


def test_an_archive_without_its_end_is_refused_where_tarfile_is_silent(tmp_path):
    path = pack(tmp_path / "a.tar", {"a.png": b"x" * 512, "b.png": b"y" * 512})
    path.write_bytes(path.read_bytes()[:1024])
    assert list(by_tarfile(path)) == ["a.png"]
    with pytest.raises(DataError, match="it lacks the two empty blocks that end an archive; copy or write it again"):
        listed(path)


def test_a_damaged_header_is_refused_where_tarfile_is_silent(tmp_path):
    path = pack(tmp_path / "a.tar", {"a.png": b"x" * 512, "b.png": b"y" * 512}, tarfile.USTAR_FORMAT)
    whole = bytearray(path.read_bytes())
    whole[1024 + 3] ^= 1
    path.write_bytes(whole)
    assert list(by_tarfile(path)) == ["a.png"]
    with pytest.raises(DataError, match="is damaged: at byte 1,024 stands no header of a file; copy or write it again"):
        listed(path)


def test_archives_joined_with_cat_are_refused_instead_of_half_read(tmp_path):
    path = pack(tmp_path / "a.tar", {"a.png": b"x"})
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(DataError, match=r"goes on after its end, as if archives were joined with cat; join them with"):
        listed(path)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (tarfile.FIFOTYPE, "no regular file"),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path, kind, what):
    path = pack(tmp_path / "a.tar", [("a.png", b"x"), link("b.png", kind)], tarfile.GNU_FORMAT)
    with pytest.raises(DataError, match=f"holds b.png, which is {what}; pack it with `tar --dereference"):
        listed(path)


def test_a_sparse_file_as_the_standard_notes_it_is_refused(tmp_path):
    member = tarfile.TarInfo("b.png")
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    with pytest.raises(DataError, match=r"holds b\.png, which is a sparse file"):
        listed(pack(tmp_path / "a.tar", [member]))


@pytest.mark.parametrize(
    ("name", "squeeze", "sentence"),
    [
        ("a.tar.gz", gzip.compress, r"a.tar.gz is compressed with gzip.*`gzip -dc a.tar.gz > a.tar`"),
        ("a.tgz", gzip.compress, r"`gzip -dc a.tgz > a.tar`"),
        ("a.tar", gzip.compress, r"`gzip -dc a.tar > unpacked.tar`"),
        ("a.tar.xz", lzma.compress, r"is compressed with xz.*`xz -dc a.tar.xz > a.tar`"),
    ],
)
def test_a_compressed_archive_is_refused_with_the_command_that_unpacks_it(tmp_path, name, squeeze, sentence):
    plain = pack(tmp_path / "plain.tar", {"a.png": b"x"}).read_bytes()
    (tmp_path / name).write_bytes(squeeze(plain))
    with pytest.raises(DataError, match=sentence):
        listed(tmp_path / name)


@settings(max_examples=200)
@given(content=some.binary(max_size=2000))
def test_what_is_no_archive_is_refused_whatever_it_is(content):
    with TemporaryDirectory() as place:
        path = Path(place, "a.tar")
        path.write_bytes(content)
        with pytest.raises(DataError):
            listed(path)


@settings(max_examples=300)
@given(place=some.integers(0, 4095), value=some.integers(0, 255), kind=some.sampled_from(list(FORMATS.values())))
def test_one_wrong_byte_never_ends_in_a_traceback(place, value, kind):
    with TemporaryDirectory() as folder:
        path = pack(Path(folder, "a.tar"), {"f" * 99: b"x" * 600, "g" * 99 + "/h": b"y"}, kind)
        whole = bytearray(path.read_bytes())
        whole[place] = value
        path.write_bytes(whole)
        try:
            assert len(listed(path)) <= 2
        except DataError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("note", [b"99999 path=a\n", b"x path=a\n", b"20 size=-5\n        ", b"7 path\n"])
def test_a_note_that_makes_no_sense_is_refused(tmp_path, note):
    header = tarfile.TarInfo("note")
    header.type, header.size = tarfile.XHDTYPE, len(note)
    path = tmp_path / "a.tar"
    path.write_bytes(header.tobuf(tarfile.USTAR_FORMAT) + note.ljust(512, b"\0") + bytes(1024))
    with pytest.raises(DataError, match="a record of long names cannot be read"):
        listed(path)
