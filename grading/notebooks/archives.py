"""What lies in a zip that somebody handed in: names and contents, within caps, nothing is written anywhere."""

import io
import zipfile
from pathlib import PurePosixPath

from .names import trouble_with

MAX_MEMBERS = 200
MAX_CONTENT = 64 * 2**20    # of all members together, unpacked


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


def members(content: bytes) -> dict[str, bytes]:
    """{name: content} of the regular files of a zip. Raises `NotUnpacked`."""
    found: dict[str, bytes] = {}
    left = MAX_CONTENT
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
    """Whether a member is a file with a name that is taken along; what a Mac or an editor adds is not."""
    parts = PurePosixPath(about.filename).parts
    return not about.is_dir() and bool(parts) and not about.filename.startswith("/") and not any(
        part.startswith(".") or part in ("__MACOSX", "__pycache__") or trouble_with(part) for part in parts)
