"""Zip files from strangers: what their table of contents says, checked against the file before anything is read."""

import struct
import zipfile
import zlib
from typing import IO, Any

import numpy as np

from .arrays import read_array, shorten

MOST = 1032  # deflate makes at most this many bytes of one


class Archive:
    """The members of a zip file by name; none is encrypted, doubled, overlapping or larger than its bytes allow."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        try:
            self.zip = zipfile.ZipFile(file)
        # What zipfile lets escape on a broken table of contents depends on what is broken.
        except (zipfile.BadZipFile, NotImplementedError, OverflowError, ValueError, OSError, struct.error) as error:
            raise ValueError(f"it is a broken zip file ({error})") from None
        self.members: dict[str, zipfile.ZipInfo] = {}
        self.starts: dict[str, int] = {}
        end, last = 0, None
        for info in sorted(self.zip.infolist(), key=lambda info: info.header_offset):
            if info.filename in self.members:
                raise ValueError(f"it has two members called {shorten(info.filename)}")
            if info.flag_bits & 1:
                raise ValueError(f"its member {shorten(info.filename)} is encrypted")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"its member {shorten(info.filename)} is compressed in a way that is not read")
            packed = info.compress_type == zipfile.ZIP_DEFLATED
            if info.file_size > MOST * info.compress_size or not packed and info.file_size != info.compress_size:
                raise ValueError(
                    f"its member {shorten(info.filename)} claims {info.file_size} bytes, "
                    f"which its {info.compress_size} bytes in the file cannot hold"
                )
            start = self._start(info)
            if info.header_offset < end:
                raise ValueError(f"its members {shorten(last)} and {shorten(info.filename)} overlap")
            end, last = start + info.compress_size, info.filename
            self.members[last], self.starts[last] = info, start
        if end > self.zip.start_dir:
            raise ValueError(f"its member {shorten(last)} reaches beyond the members' part of the file")

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Where a member's bytes begin, after its own header."""
        self.file.seek(max(info.header_offset, 0))
        header = self.file.read(30)
        if len(header) < 30 or header[:4] != b"PK\3\4" or info.header_offset < 0:
            raise ValueError(f"its member {shorten(info.filename)} is not where the table of contents says")
        name, extra = struct.unpack("<HH", header[26:])
        return int(info.header_offset + 30 + name + extra)

    def stored(self, name: str) -> tuple[int, int]:
        """Where an uncompressed member begins and how long it is."""
        info = self.members[name]
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"its member {shorten(name)} is compressed, which it never is where it comes from")
        return self.starts[name], info.file_size

    def read(self, name: str) -> Any:
        """The bytes of an uncompressed member, writable; a checksum of 0 means that none was made."""
        start, size = self.stored(name)
        self.file.seek(start)
        data = read_array(self.file, (size,), np.dtype(np.uint8))
        if self.members[name].CRC not in (0, zlib.crc32(data)):
            raise ValueError(f"its member {shorten(name)} has changed since it was written: the checksum is another")
        return data

    def open(self, name: str) -> Any:
        """A member as a stream, which compares its checksum at the end."""
        try:
            return self.zip.open(self.members[name])
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"its member {shorten(name)} is broken ({error})") from None
