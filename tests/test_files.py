"""A file is whole or absent."""

import os
import stat

import pytest

from minidl.files import atomic_write


@pytest.fixture(autouse=True, params=["files without a name", "hidden files"])
def way(request, monkeypatch):
    """Both ways to keep an unfinished file out of sight; the second is the only one outside Linux."""
    if request.param == "hidden files":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


def test_it_appears_only_when_complete(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_write(path, "w") as file:
        file.write("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_old_one_and_no_trace(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), atomic_write(path, "w") as file:
        file.write("half")
        raise KeyError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask to respect")
def test_the_mode_is_that_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "a") as file:
            file.write(b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask to respect")
def test_the_mode_does_not_depend_on_the_file_before(tmp_path):
    path = tmp_path / "a"
    path.touch(0o600)
    before = os.umask(0o022)
    try:
        with atomic_write(path) as file:
            file.write(b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_stays_a_link(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "5").write_text("old")
    (tmp_path / "latest").symlink_to("runs/5")
    with atomic_write(tmp_path / "latest", "w") as file:
        file.write("new")
    assert (tmp_path / "latest").is_symlink()
    assert (folder / "5").read_text() == "new"
    assert os.listdir(folder) == ["5"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev/null")
def test_what_is_no_regular_file_is_written_into():
    with atomic_write("/dev/null") as file:
        file.write(b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("name", ["a" * 255, "ö" * 120])
def test_the_longest_names(tmp_path, name):
    with atomic_write(tmp_path / name) as file:
        file.write(b"x")
    assert os.listdir(tmp_path) == [name]


def test_what_cannot_be_written_is_named(tmp_path):
    for path, kind in [(tmp_path / "none" / "a", FileNotFoundError), (tmp_path, OSError)]:
        with pytest.raises(kind) as error, atomic_write(path):
            pass
        assert error.value.filename == os.path.realpath(path)


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with atomic_write("a", "w") as file:
        file.write("x")
    assert os.listdir(tmp_path) == ["a"]
