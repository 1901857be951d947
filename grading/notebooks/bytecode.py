"""Python's own cache of a module, made before a kernel asks for it: a class imports the same helpers, each kernel anew."""

import importlib.util
import marshal
import sys
from functools import lru_cache
from pathlib import PurePosixPath

CHECKED = (0b11).to_bytes(4, "little")      # by the text's hash: where a notebook has written another, that one is compiled


@lru_cache(maxsize=64)
def bytecode(path: str, text: bytes) -> tuple[str, bytes] | None:
    """(relative path, content) of the cache of a trusted module, by its own relative path and text; None if it has none."""
    place = PurePosixPath(path)
    if place.suffix != ".py":
        return None
    try:
        code = compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    name = f"{place.stem}.{sys.implementation.cache_tag}.pyc"
    return str(place.parent / "__pycache__" / name), importlib.util.MAGIC_NUMBER + CHECKED + importlib.util.source_hash(text) + marshal.dumps(code)
