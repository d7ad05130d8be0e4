"""The sets of text: where they are looked for, what they give, what is downloaded, and which files are refused."""

import gzip
import hashlib
import io
import os
import tarfile

import pytest

from minidl.text import datasets
from minidl.text.files import read_lines, read_text
from minidl.vision.datasets import places
from minidl.vision.datasets.errors import BadFile, DownloadError, NotFound
from tests.vision.server import serving

REAL = os.environ.get("MINIDL_DATA")


@pytest.fixture(autouse=True)
def no_data_of_this_machine(monkeypatch, tmp_path, request):
    if "real" not in request.node.name:
        monkeypatch.delenv("MINIDL_DATA", raising=False)
        monkeypatch.setattr(places.sys, "platform", "linux")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        yield server


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".").replace("_polarity", "-polarity")).write_bytes(text.encode("utf-8"))


def reviews(folder):
    write(folder, rt_polarity__neg="dull .\nflat , dull .\n", rt_polarity__pos="a joy .\n")


# Files


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_codes(tmp_path, code, ending):
    text = "caffè – “señor”…\nžižek\n"
    path = tmp_path / f"a.txt{ending}"
    path.write_bytes(gzip.compress(text.encode(code)) if ending else text.encode(code))
    assert read_text(path) == text
    assert read_lines(path) == ["caffè – “señor”…", "žižek"]


def test_lines_end_where_the_line_feed_is(tmp_path):
    (tmp_path / "a").write_bytes("one\x85still\u2028one\r\n\r\n two \n".encode())
    assert read_lines(tmp_path / "a") == ["one\x85still\u2028one", "two"]
    assert read_lines(tmp_path / "a", blank=True) == ["one\x85still\u2028one", "", "two"]
    (tmp_path / "none").write_bytes(b"")
    assert read_lines(tmp_path / "none", blank=True) == []


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"text\0text")
    with pytest.raises(BadFile, match="byte 0"):
        read_text(tmp_path / "a")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(1000))[:-20])
    with pytest.raises(BadFile, match="cut off"):
        read_text(tmp_path / "cut.gz")
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(10**7)))
    with pytest.raises(BadFile, match="more than the 1,000 bytes"):
        read_text(tmp_path / "bomb.gz", limit=1000)


# The sets


@pytest.mark.parametrize("folder", ["text", "."])
def test_names_and_shakespeare(tmp_path, folder):
    write(tmp_path / folder, names__txt="emma\nolivia\nemma", tinyshakespeare__txt="First Citizen:\nSpeak.\n")
    names = datasets.Names(tmp_path)
    assert list(names) == ["emma", "olivia", "emma"]
    assert datasets.Names(tmp_path, transform=len)[1] == 6
    assert repr(names) == "Dataset Names\n    Number of datapoints: 3"
    plays = datasets.Shakespeare(tmp_path)
    assert plays.text == "First Citizen:\nSpeak.\n"
    assert (len(plays), plays[0]) == (22, "F")


def test_reviews(tmp_path):
    reviews(tmp_path / "text")
    data = datasets.MovieReviews(tmp_path)
    assert list(data) == [("dull .", 0), ("flat , dull .", 0), ("a joy .", 1)]
    assert data.targets == [0, 0, 1]
    assert data.classes == ("negative", "positive")


def test_pairs_of_sentences(tmp_path):
    write(tmp_path / "multi30k", train__de="Ein Hund.\nEin Mann.\n", train__en="A dog.\nA man.\n")
    write(tmp_path / "multi30k", val__de="Schnee.\n", val__en="Snow.\nIce.\n")
    assert list(datasets.Multi30k(tmp_path)) == [("Ein Hund.", "A dog."), ("Ein Mann.", "A man.")]
    assert datasets.Multi30k(tmp_path, languages=("en", "de"))[0] == ("A dog.", "Ein Hund.")
    with pytest.raises(BadFile, match="val.de has 1 lines, and val.en 2"):
        datasets.Multi30k(tmp_path, "valid")
    with pytest.raises(NotFound, match="test_2016_flickr.de and test_2016_flickr.en"):
        datasets.Multi30k(tmp_path, "test")
    with pytest.raises(ValueError, match="split is one of train, valid, test, got 'val'"):
        datasets.Multi30k(tmp_path, "val")
    with pytest.raises(ValueError, match="'de' and 'en'"):
        datasets.Multi30k(tmp_path, languages=("de", "fr"))


def test_a_blank_line_keeps_its_place_among_pairs(tmp_path):
    write(tmp_path, train__de="eins\n\ndrei\n", train__en="one\n\nthree\n")
    assert datasets.Multi30k(tmp_path)[2] == ("drei", "three")


def test_under_the_folder_of_the_environment(tmp_path, monkeypatch):
    write(tmp_path / "home/text", names__txt="ada\n")
    with pytest.raises(NotFound, match=r"names.txt \(or .gz\) in .*other/text"):
        datasets.Names(tmp_path / "other")
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "home"))
    for root in (None, tmp_path / "other"):
        assert list(datasets.Names(root, download=True)) == ["ada"]


# Downloads


def test_a_file_is_downloaded(tmp_path, monkeypatch, server):
    server.files = {"/names.txt": b"ada\ngrace\n"}
    there = lambda md5: {"names.txt": ([server.address + "names.txt"], md5)}
    monkeypatch.setattr(datasets.Names, "sources", there(hashlib.md5(b"ada\ngrace\n").hexdigest()))
    assert list(datasets.Names(tmp_path, download=True)) == ["ada", "grace"]
    assert (tmp_path / "text/names.txt").is_file()
    assert list(datasets.Names(tmp_path, download=True)) == ["ada", "grace"]
    assert len(server.asked) == 1
    datasets.Names(download=True)
    assert (tmp_path / "cache/minidl/text/names.txt").is_file()
    monkeypatch.setattr(datasets.Names, "sources", there("0" * 32))
    with pytest.raises(DownloadError, match="wrong file"):
        datasets.Names(tmp_path / "other", download=True)


def test_reviews_are_downloaded(tmp_path, monkeypatch, server):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in (("neg", "trop long , caffè\n"), ("pos", "a joy\n")):
            info = tarfile.TarInfo(f"rt-polaritydata/rt-polarity.{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode("latin-1")))
    server.files = {"/rt.tar.gz": buffer.getvalue()}
    monkeypatch.setattr(datasets.MovieReviews, "mirrors", [server.address + "none", server.address + "rt.tar.gz"])
    data = datasets.MovieReviews(tmp_path, download=True)
    assert list(data) == [("trop long , caffè", 0), ("a joy", 1)]
    assert sorted(p.name for p in (tmp_path / "text").iterdir()) == ["rt-polarity.neg", "rt-polarity.pos"]


def test_an_archive_without_the_files(tmp_path, monkeypatch, server):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    server.files = {"/rt.tar.gz": buffer.getvalue()}
    monkeypatch.setattr(datasets.MovieReviews, "mirrors", [server.address + "rt.tar.gz"])
    with pytest.raises(BadFile, match="has no rt-polarity.neg"):
        datasets.MovieReviews(tmp_path, download=True)


def test_pairs_are_downloaded(tmp_path, monkeypatch, server):
    files = {f"val.{k}.gz": gzip.compress(text, mtime=0) for k, text in (("de", b"Schnee\n"), ("en", b"Snow\n"))}
    server.files = {f"/{name}": data for name, data in files.items()}
    monkeypatch.setattr(datasets.Multi30k, "address", server.address)
    monkeypatch.setattr(datasets.Multi30k, "md5", {name: hashlib.md5(data).hexdigest() for name, data in files.items()})
    assert list(datasets.Multi30k(tmp_path, "valid", download=True)) == [("Schnee", "Snow")]
    assert sorted(p.name for p in (tmp_path / "multi30k").iterdir()) == ["val.de.gz", "val.en.gz"]


# The sets themselves, where they are


@pytest.mark.skipif(not REAL, reason="MINIDL_DATA names no folder with the real sets")
def test_real_sets():
    try:
        names, plays, films = datasets.Names(), datasets.Shakespeare(), datasets.MovieReviews()
        pairs = {split: datasets.Multi30k(split=split) for split in ("train", "valid", "test")}
    except NotFound as error:
        pytest.skip(reason=f"MINIDL_DATA lacks one: {error}")
    assert (len(names), len(set(names)), names[0]) == (32033, 29494, "emma")
    assert (len(plays), len(set(plays.text))) == (1115394, 65)
    assert (films.targets.count(0), films.targets.count(1)) == (5331, 5331)
    assert {split: len(part) for split, part in pairs.items()} == {"train": 29000, "valid": 1014, "test": 1000}
    assert pairs["train"][0][1] == "Two young, White males are outside near many bushes."
