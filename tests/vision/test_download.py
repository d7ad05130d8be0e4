"""Mirrors, resumption, checksum, the error without a network. The only server asked is on this machine."""

import hashlib
import os
import threading

import pytest

from minidl.vision.datasets import download, utils
from minidl.vision.datasets.errors import DownloadError
from tests.vision.server import serving

BODY = bytes(range(256)) * 4000  # 1 MB
MD5 = hashlib.md5(BODY).hexdigest()


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        server.files["/a.bin"] = BODY
        yield server


def left(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_arrives_whole_and_leaves_nothing_else(server, tmp_path, capsys):
    path = download.fetch("a.bin", [server.address + "a.bin"], tmp_path / "new" / "folder", MD5)
    assert path.read_bytes() == BODY
    assert left(path.parent) == ["a.bin"]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "\r" not in shown.err
    assert f"downloading a.bin from {server.address}a.bin" in shown.err
    assert "100% of 1.0 MB" in shown.err


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "a.bin").write_bytes(BODY)
    download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5)
    assert server.asked == []
    (tmp_path / "a.bin").write_bytes(BODY[:-1])
    download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5)
    assert (tmp_path / "a.bin").read_bytes() == BODY


def test_mirrors_in_order(server, tmp_path):
    server.files["/bad/a.bin"] = b"something else"
    urls = [server.address + where for where in ("gone/a.bin", "bad/a.bin", "a.bin")]
    assert download.fetch("a.bin", urls, tmp_path, MD5).read_bytes() == BODY
    assert [path for path, _ in server.asked] == ["/gone/a.bin", "/bad/a.bin", "/a.bin"]
    assert left(tmp_path) == ["a.bin"]


def test_an_interrupted_download_goes_on(server, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(BODY[:300_000])
    download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5)
    assert server.asked == [("/a.bin", "bytes=300000-")]
    assert (tmp_path / "a.bin").read_bytes() == BODY


def test_a_connection_that_breaks_is_taken_up_again(server, tmp_path):
    server.cut["/a.bin"] = 3
    download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5)
    assert [wanted for _, wanted in server.asked] == [None, "bytes=512000-", "bytes=768000-", "bytes=896000-"]
    assert (tmp_path / "a.bin").read_bytes() == BODY


def test_a_break_is_taken_up_at_the_next_mirror(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.files["/slow/a.bin"], server.cut["/slow/a.bin"] = BODY, 9
    download.fetch("a.bin", [server.address + "slow/a.bin", server.address + "a.bin"], tmp_path, MD5)
    assert server.asked[-1] == ("/a.bin", "bytes=512000-")


def test_a_server_without_ranges_starts_over(server, tmp_path):
    server.ranges = False
    (tmp_path / "a.bin.part").write_bytes(b"x" * 1000)
    assert download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5).read_bytes() == BODY


def test_a_server_that_sends_another_range_is_not_believed(server, tmp_path):
    server.shift = 7
    (tmp_path / "a.bin.part").write_bytes(BODY[:1000])
    with pytest.raises(DownloadError, match="asked for the bytes from 1000 on"):
        download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5)
    assert not (tmp_path / "a.bin").exists()


@pytest.mark.parametrize("old", [b"x" * 1000, b"x" * len(BODY), b"x" * (len(BODY) + 5), BODY], ids=len)
def test_a_wrong_beginning_is_thrown_away(server, tmp_path, old):
    (tmp_path / "a.bin.part").write_bytes(old)
    assert download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5).read_bytes() == BODY
    assert left(tmp_path) == ["a.bin"]


def test_the_error_names_file_addresses_folder_and_checksum(server, tmp_path):
    server.files["/b/a.bin"] = b"wrong"
    urls = [server.address + "gone/a.bin", server.address + "b/a.bin", "http://127.0.0.1:9/a.bin"]
    with pytest.raises(DownloadError) as caught:
        download.fetch("a.bin", urls, tmp_path, MD5)
    text = str(caught.value)
    assert all(part in text for part in ["a.bin", *urls, str(tmp_path), MD5, "MINIDL_DATA", "404"])
    assert hashlib.md5(b"wrong").hexdigest() in text
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, RuntimeError)
    assert left(tmp_path) in ([], [".a.bin.lock"])


def test_a_silent_server_is_left(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    server.hang.add("/mute/a.bin")
    urls = [server.address + "mute/a.bin", server.address + "a.bin"]
    assert download.fetch("a.bin", urls, tmp_path, MD5).read_bytes() == BODY


def test_more_than_the_limit_is_refused(server, tmp_path):
    with pytest.raises(DownloadError, match="more than the 1,000 bytes"):
        download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5, limit=1000)
    assert (tmp_path / "a.bin.part").stat().st_size == 0


def test_two_at_once_fetch_once(server, tmp_path):
    work = lambda: download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5)
    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(server.asked) == 1
    assert (tmp_path / "a.bin").read_bytes() == BODY


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written(server, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DownloadError, match="Permission"):
        download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5)


def test_a_terminal_gets_one_line_that_moves(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    download.fetch("a.bin", [server.address + "a.bin"], tmp_path, MD5)
    assert "\r" in capsys.readouterr().err


def test_torchvisions_names(server, tmp_path):
    utils.download_url(server.address + "a.bin?x=1", tmp_path, md5=None, filename=None)
    assert utils.check_integrity(tmp_path / "a.bin", MD5)
    assert not utils.check_integrity(tmp_path / "a.bin", "0" * 32)
    assert not utils.check_integrity(tmp_path / "b.bin")
    assert utils.calculate_md5(tmp_path / "a.bin") == MD5
    with pytest.raises(ValueError, match="names no file"):
        utils.download_url(server.address, tmp_path)
    assert utils.verify_str_arg("train", "split", ("train", "test")) == "train"
    with pytest.raises(ValueError, match="Unknown value 'x' for argument split"):
        utils.verify_str_arg("x", "split", ("train", "test"))
