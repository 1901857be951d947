"""What lies in a zip that somebody handed in: names and contents, within caps, nothing is written anywhere."""

import io
import zipfile
import zlib
from pathlib import PurePosixPath

from .names import trouble_with

MAX_MEMBERS = 200
MAX_CONTENT = 64 * 2**20    # of all members together, unpacked


class NotUnpacked(Exception):
    """The archive cannot be used; the message completes the sentence that its name begins."""


def members(content: bytes) -> dict[str, bytes]:
    """{name: content} of the regular files of a zip. Raises `NotUnpacked`."""
    found, left = {}, MAX_CONTENT
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
                with archive.open(about) as member:
                    found[about.filename] = member.read(left + 1)
                left -= len(found[about.filename])
                if left < 0:
                    raise NotUnpacked(f"is a zip archive of more than {MAX_CONTENT // 2**20} MiB")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise NotUnpacked(f"is a zip archive that cannot be unpacked ({type(error).__name__})") from None
    return found


def is_wanted(about: zipfile.ZipInfo) -> bool:
    """Whether a member is a file with a name that is taken along; what a Mac or an editor adds is not."""
    parts = PurePosixPath(about.filename).parts
    return not about.is_dir() and bool(parts) and not about.filename.startswith("/") and not any(
        part.startswith(".") or part in ("__MACOSX", "__pycache__") or trouble_with(part) for part in parts)
