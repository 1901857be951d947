"""Make what a kernel sent, and what a student wrote, safe to show: no script, nothing loaded from elsewhere.

Outputs arrive as untrusted JSON. What leaves this module is valid notebook format and holds only text, PNG or JPEG
bytes, and HTML of a few tags without attributes.
"""

import base64
import binascii
import re

import nh3
from nbformat.v4 import new_output

TAGS = {"b", "i", "em", "strong", "code", "pre", "p", "br", "hr", "div", "span", "ul", "ol", "li", "sub", "sup",
        "h1", "h2", "h3", "h4", "h5", "h6", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
MAX_TEXT = 200_000
MAX_IMAGE = 4 * 2**20
MAX_OUTPUTS = 200
IMAGE_STARTS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def clean(outputs, count=None):
    """The showable part of a cell's `outputs` as notebook nodes; anything malformed is left out."""
    nodes = [node for output in outputs[:MAX_OUTPUTS] if (node := clean_one(output, count)) is not None]
    if len(outputs) > MAX_OUTPUTS:
        nodes.append(new_output("stream", name="stdout", text="... Output truncated ...\n"))
    return nodes


def clean_one(output, count):
    match output:
        case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
            return new_output("stream", name=name, text=text[:MAX_TEXT])
        case {"output_type": "error", "ename": str(ename), "evalue": str(evalue), "traceback": list(lines)}:
            lines = [line[:20_000] for line in lines[:100] if isinstance(line, str)]
            return new_output("error", ename=ename[:200], evalue=evalue[:2000], traceback=lines)
        case {"output_type": "execute_result", "data": dict(data)}:
            return new_output("execute_result", data=clean_data(data), execution_count=count)
        case {"output_type": "display_data", "data": dict(data)}:
            return new_output("display_data", data=clean_data(data))
    return None


def clean_data(data):
    kept = {}
    for mime, content in data.items():
        if not isinstance(content, str):
            continue
        if mime in IMAGE_STARTS and is_image(mime, content):
            kept[mime] = content
        elif mime == "text/html":
            kept[mime] = clean_html(content[:MAX_TEXT])
        elif mime == "text/plain":
            kept[mime] = content[:MAX_TEXT]
        elif mime in ("text/latex", "text/markdown"):
            kept.setdefault("text/plain", content[:MAX_TEXT])
    return kept or {"text/plain": "(this kind of output is not shown)"}


def is_image(mime, content):
    try:
        blob = base64.b64decode(content, validate=False)
    except (binascii.Error, ValueError):
        return False
    return len(blob) <= MAX_IMAGE and blob.startswith(IMAGE_STARTS[mime])


def clean_html(text):
    return nh3.clean(text, tags=TAGS, attributes={}, link_rel=None)


def clean_markdown(source):
    """Markdown without HTML but for a few bare tags, and without pictures from elsewhere (attachments stay)."""
    if re.search(r"<[a-zA-Z/!?]", source):
        source = clean_html(source)
    return re.sub(r"!\[(?![^\]]*\]\(attachment:)", "[", source)


def as_text(nodes):
    """The outputs of a tests cell without anything that nbgrader reads as a grade: errors and results become text."""
    kept = []
    for node in nodes:
        if node.output_type == "error":
            node = new_output("stream", name="stdout", text="\n".join(node.traceback) + "\n")
        elif node.output_type == "stream":
            node = new_output("stream", name="stdout", text=node.text)
        elif node.output_type == "execute_result":
            node = new_output("display_data", data=node.data)
        kept.append(node)
    return kept
