"""What lies in a zip, a tar or a gzip that somebody handed in: names and contents, within caps, nothing is written anywhere."""

import io
import tarfile
import zipfile
import zlib
from contextlib import suppress
from itertools import islice
from pathlib import PurePosixPath

from .names import trouble_with

MAX_MEMBERS = 200
MAX_CONTENT = 64 * 2**20    # of all members together, unpacked
MAX_INNER = 4               # archives in an archive that are looked into
KINDS = {b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip"}
TAR = slice(257, 262), b"ustar"
ENDINGS = (".zip", ".gz", ".tgz", ".tar")


class NotUnpacked(Exception):
    """The archive cannot be used; the message completes the sentence that its name begins."""


class BadMember(Exception):
    """A member cannot be had; the message completes a sentence about it."""


class TooMuch(BadMember):
    """It has more bytes than are wanted."""


def content_of(archive: zipfile.ZipFile, about: zipfile.ZipInfo, most: int) -> bytes:
    """The bytes of a member, however many it claims to be. Raises `BadMember`, past `most` a `TooMuch`."""
    try:
        with archive.open(about) as member:
            content = member.read(most + 1)
    except Exception as error:      # zlib, lzma, the checksum, a method nobody knows: each has an error of its own
        raise BadMember(f"cannot be unpacked ({type(error).__name__})") from None
    if len(content) > most:
        raise TooMuch(f"unpacks to more than {most >> 20} MB")
    return content


def kind_of(content: bytes) -> str | None:
    """What kind of archive that is, by its first bytes; None if it is none."""
    place, word = TAR
    return "tar" if content[place] == word else next((kind for begin, kind in KINDS.items() if content.startswith(begin)), None)


def unpack(content: bytes, name: str) -> dict[str, bytes]:
    """{path: content} of the regular files of the archive called `name`; where no notebook is among them, those of the archives
    in it stand in their places. Raises `NotUnpacked`."""
    found = of_one(content, name, MAX_CONTENT)
    if any(path.lower().endswith(".ipynb") and not kind_of(blob) for path, blob in found.items()):
        return found
    for inner in [path for path, blob in found.items() if path.lower().endswith((".ipynb", *ENDINGS)) and kind_of(blob)][:MAX_INNER]:
        with suppress(NotUnpacked):
            files = of_one(found[inner], inner, MAX_CONTENT - sum(map(len, found.values())))
            del found[inner]
            found |= {f"{inner}/{path}": blob for path, blob in files.items()}
    return found


def of_one(content: bytes, name: str, most: int) -> dict[str, bytes]:
    """The same of one archive; `most` is how many bytes it may unpack to."""
    if kind_of(content) == "gzip":
        content = of_gzip(content, most)
        if kind_of(content) != "tar":
            inside = PurePosixPath(name).name
            return {inside[:-3] if inside.lower().endswith(".gz") else inside: content}
    return of_tar(content, most) if kind_of(content) == "tar" else members(content, most)


def of_gzip(content: bytes, most: int) -> bytes:
    try:
        found = zlib.decompressobj(wbits=31).decompress(content, most + 1)
    except zlib.error:
        raise NotUnpacked("is a gzip archive that cannot be unpacked") from None
    if len(found) > most:
        raise NotUnpacked(f"is a gzip archive of more than {MAX_CONTENT >> 20} MiB")
    return found


def of_tar(content: bytes, most: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for about in islice(archive, 10 * MAX_MEMBERS):
                if not about.isreg() or about.issparse() or not is_wanted_name(about.name):
                    continue
                if len(found) == MAX_MEMBERS:
                    raise NotUnpacked(f"is a tar archive of more than {MAX_MEMBERS} files")
                if about.size > most:
                    raise NotUnpacked(f"is a tar archive of more than {MAX_CONTENT >> 20} MiB")
                file = archive.extractfile(about)
                found[str(PurePosixPath(about.name))] = file.read() if file else b""
                most -= about.size
    except (tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise NotUnpacked(f"is a tar archive that cannot be unpacked ({type(error).__name__})") from None
    return found


def members(content: bytes, most: int = MAX_CONTENT) -> dict[str, bytes]:
    """{name: content} of the regular files of a zip. Raises `NotUnpacked`."""
    found: dict[str, bytes] = {}
    left = most
    if len(content) > MAX_CONTENT:
        raise NotUnpacked(f"is a zip archive of more than {MAX_CONTENT // 2**20} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for about in archive.infolist()[:10 * MAX_MEMBERS]:
                if not is_wanted(about):
                    continue
                if about.flag_bits & 1:
                    raise NotUnpacked("is a zip archive with a password")
                if len(found) == MAX_MEMBERS:
                    raise NotUnpacked(f"is a zip archive of more than {MAX_MEMBERS} files")
                found[about.filename] = content_of(archive, about, left)
                left -= len(found[about.filename])
    except TooMuch:
        raise NotUnpacked(f"is a zip archive of more than {MAX_CONTENT // 2**20} MiB") from None
    except BadMember as error:
        raise NotUnpacked(f"is a zip archive that {error}") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise NotUnpacked(f"is a zip archive that cannot be unpacked ({type(error).__name__})") from None
    return found


def is_wanted(about: zipfile.ZipInfo) -> bool:
    return not about.filename.endswith("/") and is_wanted_name(about.filename)


def is_wanted_name(name: str) -> bool:
    """Whether a name is one that is taken along; what a Mac or an editor adds is not."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and not any(
        part.startswith(".") or part in ("__MACOSX", "__pycache__") or trouble_with(part) for part in parts)
