import os

import pytest

from striate.errors import DataError, ImageError
from striate.images import walking
from striate.images.reading import read_image
from striate.images.walking import files_below


def test_files_come_sorted_from_every_depth_but_hidden_ones(tmp_path):
    for name in ("b.png", "a/c.png", "a/.hidden.png", ".git/x.png", "__MACOSX/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_below(tmp_path) == [tmp_path / "a/c.png", tmp_path / "b.png"]


def test_a_linked_folder_is_followed_and_a_circle_of_links_ends(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/x.png").touch()
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "cat")
    assert files_below(tmp_path / "cat") == [tmp_path / "cat/more/x.png"]


def test_a_link_that_leads_nowhere_is_listed_and_reading_it_says_so(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "cat/circle.png").symlink_to(tmp_path / "cat/circle.png")
    os.mkfifo(tmp_path / "cat/pipe.png")
    found = files_below(tmp_path)
    assert found == [tmp_path / "cat/circle.png", tmp_path / "cat/gone.png"]
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        read_image(found[1])


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def closed(folder, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", str(folder)))

    monkeypatch.setattr(walking.os, "walk", closed)
    with pytest.raises(DataError, match=f"the folder {tmp_path} cannot be read: Permission denied"):
        files_below(tmp_path)
