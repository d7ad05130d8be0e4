"""Archives stay in their folder; what is hostile, cut off or lying is refused before anything is written."""

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import tracemalloc
import zipfile

import pytest

from minidl.vision.datasets.errors import BadFile
from minidl.vision.datasets.utils import extract_archive

FILES = {"set/one.txt": b"one", "set/deep/two.bin": bytes(3000), "set/empty": b""}


def tar(path, members, mode="w:gz", **kwargs):
    with tarfile.open(path, mode, **kwargs) as t:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


MODES = [(".tar", "w"), (".tar.gz", "w:gz"), (".tgz", "w:gz"), (".tar.xz", "w:xz"), (".tar.bz2", "w:bz2")]


@pytest.mark.parametrize("ending, mode", MODES)
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar(tmp_path, ending, mode, format):
    long = "set/" + "n" * 90 + "/" + "é" * 40
    files = {**FILES, long: b"x"} if format != tarfile.USTAR_FORMAT else FILES
    source = tar(tmp_path / f"a{ending}", files.items(), mode, format=format)
    assert extract_archive(str(source), str(tmp_path / "out")) == str(tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files} == files
    assert extract_archive(source, remove_finished=True) == str(tmp_path)
    assert (tmp_path / "set/one.txt").exists()
    assert not source.exists()


def test_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("hollow/", b"")
        for name, data in FILES.items():
            z.writestr(name, data)
    assert extract_archive(tmp_path / "a.zip", tmp_path / "out") == str(tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES
    assert (tmp_path / "out/hollow").is_dir()


@pytest.mark.parametrize("ending, module", [(".gz", gzip), (".xz", lzma), (".bz2", bz2)])
def test_a_lone_compressed_file(tmp_path, ending, module):
    (tmp_path / f"a.bin{ending}").write_bytes(module.compress(b"data"))
    assert extract_archive(tmp_path / f"a.bin{ending}", tmp_path / "out") == str(tmp_path / "out/a.bin")
    assert (tmp_path / "out/a.bin").read_bytes() == b"data"
    (tmp_path / f"cut.bin{ending}").write_bytes(module.compress(os.urandom(1000))[:-20])
    with pytest.raises(BadFile, match="cut off"):
        extract_archive(tmp_path / f"cut.bin{ending}", tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.bin"]


HOSTILE = {
    "parent": [("../evil", b"x")],
    "parent inside": [("a/../../evil", b"x")],
    "parent, Windows": [("a\\..\\..\\evil", b"x")],
    "absolute": [("/tmp/evil", b"x")],
    "absolute, Windows": [("C:\\evil", b"x")],
    "share, Windows": [("\\\\host\\evil", b"x")],
    "nameless": [("", b"x")],
    "symlink outside": [special("link", tarfile.SYMTYPE, "/etc/passwd")],
    "symlink, then through it": [special("link", tarfile.SYMTYPE, ".."), ("link/evil", b"x")],
    "hard link": [special("link", tarfile.LNKTYPE, "../evil")],
    "device": [special("null", tarfile.CHRTYPE)],
    "disk": [special("disk", tarfile.BLKTYPE)],
    "pipe": [special("pipe", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_tar(tmp_path, members):
    inside = tmp_path / "some" / "where"
    source = tar(tmp_path / "a.tar.gz", [("good", b"good"), *members])
    with pytest.raises(BadFile, match="nothing was unpacked"):
        extract_archive(source, inside)
    assert list(inside.iterdir()) == []
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.tar.gz", "some", "where"]


@pytest.mark.parametrize("name, mode", [
    ("../evil", 0o100644), ("/tmp/evil", 0o100644), ("a/../../evil", 0), ("..\\evil", 0), ("C:/evil", 0),
    ("link", 0o120777), ("null", 0o020666), ("pipe", 0o010666),
])  # fmt: skip
def test_hostile_zip(tmp_path, name, mode):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as z:
        z.writestr("good", b"good")
        info = zipfile.ZipInfo("x")
        info.filename, info.external_attr = name, mode << 16
        z.writestr(info, b"/etc/passwd")
    with pytest.raises(BadFile, match="nothing was unpacked"):
        extract_archive(tmp_path / "a.zip", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.skipif(os.name == "nt", reason="making links needs rights on Windows")
def test_a_link_that_is_there_already_is_not_followed_out(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/door").symlink_to(tmp_path)
    with pytest.raises(BadFile, match="through a link"):
        extract_archive(tar(tmp_path / "a.tar", [("door/evil", b"x")], "w"), tmp_path / "out")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.9])
def test_cut_off(tmp_path, kind, keep):
    source = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(source, "w") as z:
            z.writestr("a", os.urandom(5000))
    else:
        tar(source, [("a", os.urandom(20000))], "w:gz" if kind == "tar.gz" else "w")
    data = source.read_bytes()
    source.write_bytes(data[: int(keep * len(data)) if keep < 1 else keep])
    if kind == "tar" and keep == 0.9:
        pytest.skip(reason="what is missing is the filling at the end of the tar")
    with pytest.raises(BadFile, match="cut off"):
        extract_archive(source, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_not_an_archive(tmp_path):
    for name in ("a.tar", "a.zip", "a.tar.gz", "a.gz"):
        (tmp_path / name).write_bytes(b"<html>404</html>" * 100)
        with pytest.raises(BadFile, match=name):
            extract_archive(tmp_path / name, tmp_path / "out")
    with pytest.raises(BadFile, match="unknown kind of archive"):
        extract_archive(tmp_path / "a.rar", tmp_path / "out")


def test_limits(tmp_path):
    bomb = tar(tmp_path / "a.tar.gz", [("zeros", bytes(10**7))])
    with pytest.raises(BadFile, match="more than 1,000,000 bytes"):
        extract_archive(bomb, tmp_path / "out", limit=10**6)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("zeros", bytes(10**7))
    with pytest.raises(BadFile, match="more than 1,000,000 bytes"):
        extract_archive(tmp_path / "a.zip", tmp_path / "out", limit=10**6)
    (tmp_path / "b.gz").write_bytes(gzip.compress(bytes(10**7)))
    with pytest.raises(BadFile, match="more than 1,000,000 bytes"):
        extract_archive(tmp_path / "b.gz", tmp_path / "out", limit=10**6)
    assert list((tmp_path / "out").iterdir()) == []


def header(name, kind, size):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_a_bomb_in_a_header_costs_no_memory(tmp_path, kind):
    with gzip.open(tmp_path / "a.tar.gz", "wb", 1) as file:  # 300 MB of header in 300 kB or so of file
        file.write(header("x", kind, 300 << 20))
        for _ in range(300):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(BadFile, match="a header asks for 314,572,800 bytes"):
            extract_archive(tmp_path / "a.tar.gz", tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()


def test_a_tar_member_that_lies_about_its_size(tmp_path):
    (tmp_path / "a.tar").write_bytes(header("x", tarfile.REGTYPE, 1 << 40) + bytes(2048))
    with pytest.raises(BadFile):
        extract_archive(tmp_path / "a.tar", tmp_path / "out")


def test_a_zip_member_that_lies_about_its_size(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("zeros", bytes(10**6))
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(struct.pack("<I", 10**6), struct.pack("<I", 10)))
    with pytest.raises(BadFile):
        extract_archive(tmp_path / "a.zip", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
