"""Pictures in what students write: those that stand in the text as data, lie beside the notebook or come in an <img>.

They become attachments of their cell, which formgrader and feedback show without asking for anything. A picture is shown if
it is what it claims to be and no larger than a page can bear; it is never decoded here, for decoders are large and this is
the grader's side. Pictures from elsewhere stay links.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any
from unicodedata import normalize
from urllib.parse import quote, unquote

from .names import printable

MAX_PICTURE = 8 * 2**20
MAX_PIXELS = 100 * 10**6
MAX_PICTURES = 50           # of one cell
MAX_ALL, MAX_PIXELS_ALL = 32 * 2**20, 10**9     # of all pictures of a notebook: a browser draws ten million in a twentieth of a second
MOST_PARTS = 10_000         # before its size, of a file that says it late
KINDS = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}
ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".webp"}
PLAIN = re.compile(r"[\w.-]+", re.ASCII)
NOT_QUOTED = "!~*'();/?:@&=+$,#"       # by JavaScript's encodeURI
NOT_SHOWN = "#a-picture-that-is-not-shown"
DATA = re.compile(r"data:image/[\w.+-]{1,20}(?:;[\w=.-]{1,40}){0,4},(?P<data>[A-Za-z0-9+/=%_-]*)", re.IGNORECASE)
CODE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[(?P<alt>[^\]\n]{0,500})\]\(\s*<?(?P<src>[^()<>\s]{1,500}|[^()<>\n]{1,500}\.\w{3,4})>?(?P<title>\s+[\"'][^\"'\n]{0,200}[\"'])?\s*\)"
                   r"|<img\b(?P<attributes>[^<>]{0,2000})>", re.IGNORECASE)
FOREIGN = re.compile(r"[a-z][a-z0-9+.-]{0,40}:|//|#", re.IGNORECASE)

Pictures = dict[str, dict[str, str]]        # as the attachments of a cell: {name: {kind: base64}}


# --- one picture --------------------------------------------------------------------------------------------------

class Room:
    """What the pictures of one notebook may still take, each as often as it stands on the page: a page holds it anew each time."""

    def __init__(self) -> None:
        self.bytes, self.pixels = MAX_ALL, MAX_PIXELS_ALL

    def take(self, *pictures: tuple[bytes, int]) -> bool:
        """Whether there is room for (picture, how often) of all these, which is then taken."""
        left = (self.bytes - sum(len(content) * times for content, times in pictures),
                self.pixels - sum(pixels_of(content) * times for content, times in pictures))
        if min(left) < 0:
            return False
        self.bytes, self.pixels = left
        return True


def kind_of_picture(content: bytes) -> str | None:
    """The kind of a picture that may be shown, by its own bytes; None if it may not."""
    kind, size = kind_and_size(content)
    return kind if size and len(content) <= MAX_PICTURE and 0 < size[0] * size[1] <= MAX_PIXELS else None


def pixels_of(content: bytes) -> int:
    width, height = kind_and_size(content)[1] or (0, 0)
    return width * height


def kind_and_size(content: bytes) -> tuple[str | None, tuple[int, int] | None]:
    kind, size = None, None
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        kind, size = "image/png", (number(content[16:20]), number(content[20:24]))
    elif content.startswith(b"\xff\xd8\xff"):
        kind, size = "image/jpeg", size_of_jpeg(content)
    elif content.startswith((b"GIF87a", b"GIF89a")):
        kind, size = "image/gif", size_of_gif(content)
    elif content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        kind, size = "image/webp", size_of_webp(content)
    return kind, size


def number(content: bytes) -> int:
    return int.from_bytes(content, "big")


def size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    for _ in range(MOST_PARTS):
        if at + 9 >= len(content) or content[at] != 0xFF:
            break
        mark = content[at + 1]
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            return number(content[at + 7:at + 9]), number(content[at + 5:at + 7])
        alone = mark == 0x01 or 0xD0 <= mark <= 0xD8       # no length follows
        at += 1 if mark == 0xFF else 2 if alone else 2 + max(2, number(content[at + 2:at + 4]))
    return None


def size_of_gif(content: bytes) -> tuple[int, int] | None:
    """Of the screen that it asks for, or of its first picture where that is larger: then a browser makes the screen so large."""
    def numbers(at: int) -> list[int]:
        return [number(content[place:place + 2][::-1]) for place in range(at, at + 8, 2)]

    width, height, *_ = numbers(6)
    at = 13 + (3 * 2 ** ((content[10] & 7) + 1) if content[10:11] and content[10] & 0x80 else 0)
    inside = False      # of what is no picture: blocks, each with its length, up to an empty one
    for _ in range(MOST_PARTS):
        sign = content[at:at + 1]
        if inside:
            inside, at = sign not in (b"", b"\0"), at + 1 + (content[at] if sign else 0)
        elif sign == b"!":
            inside, at = True, at + 2
        else:
            break
    else:
        return None
    left, top, across, down = numbers(at + 1) if content[at:at + 1] == b"," else (0, 0, 0, 0)
    return max(width, left + across), max(height, top + down)


def size_of_webp(content: bytes) -> tuple[int, int] | None:
    match content[12:16]:
        case b"VP8X":
            return 1 + number(content[24:27][::-1]), 1 + number(content[27:30][::-1])
        case b"VP8 ":
            return number(content[26:28][::-1]) & 0x3FFF, number(content[28:30][::-1]) & 0x3FFF
        case b"VP8L":
            bits = number(content[21:25][::-1])
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


def as_attachment(content: bytes, room: Room | None = None) -> dict[str, str] | None:
    """{kind: base64} of a picture that may be shown, and for which there is room."""
    kind = kind_of_picture(content)
    return {kind: base64.b64encode(content).decode()} if kind and (room is None or room.take((content, 1))) else None


def decoded(text: str) -> bytes:
    try:
        return base64.b64decode(unquote(text)[:2 * MAX_PICTURE])
    except (binascii.Error, ValueError):
        return b""


def checked(attachments: Mapping[str, Any]) -> Pictures:
    """The attachments of a cell, as somebody else wrote them, that are pictures which may be shown."""
    kept = {}
    for name, forms in list(attachments.items())[:MAX_PICTURES]:
        if isinstance(forms, dict) and name.isprintable():
            forms = [content for mime, content in forms.items() if mime in KINDS and isinstance(content, str)]
            if found := next(filter(None, (as_attachment(decoded(content)) for content in forms)), None):
                kept[name] = found
    return kept


# --- pictures in a text -------------------------------------------------------------------------------------------

def taken_out(source: str, attachments: Pictures | None = None) -> tuple[str, Pictures]:
    """A text whose pictures do not stand in it as data any more, and all attachments: those that it had, and these."""
    source, pictures = plainly_named(source, attachments or {})

    def put(found: re.Match[str]) -> str:
        picture = as_attachment(decoded(found["data"])) if len(pictures) < MAX_PICTURES else None
        return f"attachment:{add(pictures, picture)}" if picture else NOT_SHOWN

    return (DATA.sub(put, source) if "data:image/" in source.lower() else source), pictures


def plainly_named(source: str, attachments: Pictures) -> tuple[str, Pictures]:
    """A text and its attachments under names that are written in one way: blanks, accents and brackets stand in a text in several."""
    pictures = {name: forms for name, forms in attachments.items() if PLAIN.fullmatch(name)}
    for name in sorted(attachments.keys() - pictures.keys(), key=len, reverse=True):
        source = put_for(source, name, f"attachment:{add(pictures, attachments[name])}")
    return source, pictures


def written_out(source: str, attachments: Mapping[str, Mapping[str, str]]) -> str:
    """A text of the course's own with its attachments in it as data."""
    for name in sorted(attachments, key=len, reverse=True):
        for kind, data in list(attachments[name].items())[:1]:
            source = put_for(source, name, f"data:{kind};base64,{''.join(data).replace(chr(10), '')}")
    return source


def put_for(source: str, name: str, address: str) -> str:
    """A text with `address` in the place of an attachment, in whichever way its name is written."""
    forms = {normalize(form, name) for form in ("NFC", "NFD")}
    ways = {way for one in forms for way in (one, quote(one), quote(one, safe=NOT_QUOTED), one.replace(" ", "%20"))}
    for way in sorted(ways, key=len, reverse=True):
        source = source.replace(f"attachment:{way}", address)
    return source


def add(pictures: Pictures, picture: dict[str, str], name: str = "picture") -> str:
    """The name under which a picture was added."""
    kind = next(iter(picture))
    known = next((old for old, forms in pictures.items() if forms == picture), None)
    free = next(new for number in range(1, len(pictures) + 2) if (new := f"{name}-{number}{KINDS[kind]}") not in pictures)
    pictures[known or free] = picture
    return known or free


def with_files(source: str, attachments: Pictures, files: Mapping[str, bytes], folder: str = "", room: Room | None = None) -> tuple[str, Pictures]:
    """The same for pictures that lie in a file beside the notebook, which is in `folder`, and for those in an <img>.

    `files` are what was handed in, by relative path. A picture that was not is said.
    """
    pictures = dict(attachments)

    def put(found: re.Match[str]) -> str:
        alt, src = (found["alt"], found["src"]) if found["src"] else of_tag(found["attributes"])
        alt = re.sub(r"[][\n]", " ", alt)
        if src.startswith("attachment:"):
            return f"![{alt}]({src})" if src.partition(":")[2] in pictures else not_there(src.partition(":")[2])
        if src == NOT_SHOWN:
            return "*(a picture of a kind or size that is not shown)*"
        if FOREIGN.match(src):
            return found[0] if found["src"] else f"[{alt or 'picture'}]({src})" if re.match(r"https?://[^\s()<>]+$", src) else ""
        content = in_files(files, folder, src)
        picture = as_attachment(content, room) if content is not None and len(pictures) < MAX_PICTURES else None
        if picture:
            return f"![{alt}](attachment:{add(pictures, picture)})"
        return not_there(src, "was not handed in" if content is None else "cannot be shown")

    return each_picture(source, put), pictures


def without_missing(source: str, attachments: Mapping[str, Any]) -> str:
    """A text in which an attachment that is not there is said: nbconvert makes no page of one that names it."""
    def put(found: re.Match[str]) -> str:
        src = found["src"] or of_tag(found["attributes"])[1]
        kind, _, name = src.partition(":")
        return not_there(name) if kind == "attachment" and name not in attachments else found[0]

    return each_picture(source, put) if "attachment:" in source else source


def each_picture(source: str, put: Callable[[re.Match[str]], str]) -> str:
    """A text with what `put` says in the place of each picture outside of code."""
    if "![" not in source and "<img" not in source.lower():
        return source
    pieces = CODE.split(source)
    return "".join(piece if number % 2 else IMAGE.sub(put, piece) for number, piece in enumerate(pieces))


def not_there(src: str, why: str = "was not handed in") -> str:
    name = re.sub(r"[^\w./ -]", "?", src)[:100]
    return f"*(the picture {name} {why})*"


def in_files(files: Mapping[str, bytes], folder: str, src: str) -> bytes | None:
    wanted = normalize("NFC", normpath(str(PurePosixPath(folder, unquote(src.partition("?")[0])))))
    return next((content for name, content in files.items() if normalize("NFC", name) == wanted), None)


class Tag(HTMLParser):
    """Reads the attributes of one tag."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found = {name: value or "" for name, value in attrs}

    handle_startendtag = handle_starttag


def of_tag(attributes: str) -> tuple[str, str]:
    """(alt, src) of an <img>."""
    tag = Tag()
    tag.feed(f"<img {attributes}>")
    found = getattr(tag, "found", {})
    return found.get("alt", ""), found.get("src", "").strip()


def beside(files: Mapping[str, bytes], shown: set[str], room: Room | None = None) -> tuple[str, Pictures]:
    """A text that shows the pictures among `files` that no cell shows, and these; `shown` are the base64 of those that are."""
    pictures: Pictures = {}
    lines: list[str] = []
    for name, content in sorted(files.items()):
        picture = as_attachment(content, room) if PurePosixPath(name).suffix.lower() in ENDINGS and len(lines) < MAX_PICTURES else None
        if picture and not shown & set(picture.values()):
            lines.append(f"`{re.sub('[`<>]', '?', printable(name))}`\n\n![](attachment:{add(pictures, picture, 'beside')})")
    return "\n\n".join(["**Handed in beside the notebook:**", *lines]) if lines else "", pictures
