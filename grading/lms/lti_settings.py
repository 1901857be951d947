"""What connects a course with a learning platform over LTI 1.3: the folder `.lti/`, whose files only their owner may read.

    settings.toml   the client id and the platform's addresses, typed once
    key.pem         the private key; its public half goes to the platform
    sent.json       which scores were sent, see `lti_sent`

Nothing of the first two is ever printed; the public half of the key is.
"""

import hashlib
import json
import os
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from ..notebooks.names import printable
from ..notebooks.near import did_you_mean
from ..root import CourseError
from .private import FOLDER, read_private, write_private

SETTINGS, KEY = "settings.toml", "key.pem"
BITS = 2048
ADDRESSES = ("token_url", "lineitems_url", "memberships_url")
FROM_A_HUB = {"lineitems_url": "LTI_LINEITEMS_URL", "memberships_url": "LTI_MEMBERSHIPS_URL"}     # variables of the environment
NAMES = ("client_id", *ADDRESSES, "audience", "course")
LOCAL = ("127.0.0.1", "localhost", "::1")

TEMPLATE = """\
# How this course reaches the learning platform. Where each value is found there: docs/lti.md
client_id = ""
token_url = ""
lineitems_url = ""
memberships_url = ""
# Only if the platform asks for another audience than token_url:
# audience = ""
# What stands in front of an assignment's name in its resourceId; nbgrader's course_id if it is not said:
# course = "gradients"
"""


@dataclass(frozen=True)
class Settings:
    """What is known of the platform. `course` is "" where nobody chose another name than nbgrader's."""

    client_id: str = field(repr=False)
    key: rsa.RSAPrivateKey = field(repr=False)
    token_url: str
    lineitems_url: str
    memberships_url: str
    audience: str
    course: str = ""


def read_settings(root: str | Path) -> Settings:
    """The settings of the course in `root`. Raises `CourseError`, which says what to do."""
    place = Path(root, FOLDER, SETTINGS)
    try:
        said = tomllib.loads(read_private(place).decode())
    except FileNotFoundError:
        raise CourseError("The course is connected with no learning platform. Make a key and a file for its addresses: course lms key") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # the message of the first tells a line and a column; that of the second would quote
        where = f" ({printable(error)})" if isinstance(error, tomllib.TOMLDecodeError) else ""
        raise CourseError(f'{place} is no TOML{where}. A line looks like this: token_url = "https://..."') from None
    for name, value in said.items():
        if name not in NAMES:
            raise CourseError(f"{place}: there is no setting {printable(name)}.{did_you_mean(name, NAMES)}")
        if not isinstance(value, str):
            raise CourseError(f'{place}: {name} is a text in quotes: {name} = "..."')
    values = {name: said.get(name, "").strip() or os.environ.get(FROM_A_HUB.get(name, ""), "") for name in NAMES}
    missing = [name for name in ("client_id", *ADDRESSES) if not values[name]]
    if missing:
        raise CourseError(f"{place}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} empty. docs/lti.md says where the "
                          "platform shows them")
    for name in ADDRESSES:
        if why := trouble_with_address(values[name]):
            raise CourseError(f"{place}: {name} {why}")
    return Settings(values["client_id"], read_key(root), values["token_url"], values["lineitems_url"], values["memberships_url"],
                    values["audience"] or values["token_url"], values["course"])


def trouble_with_address(url: str) -> str | None:
    """Why no secret is sent to this address, as a sentence's end; None if it can be."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port        # either may be none that can be
    except ValueError:
        return "is no address"
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.password or not url.isprintable() or " " in url:
        return 'is no address: it looks like "https://lms.example.org/..."'
    if parts.scheme == "http" and host not in LOCAL:
        return "begins with http://, where everybody on the way could read the token. Use https://"
    return None


# --- the key ------------------------------------------------------------------------------------------------------

def make_key(root: str | Path) -> bool:
    """Make what is missing of the folder; whether a key was made. One that is there stays: the platform knows its public half."""
    folder = Path(root, FOLDER)
    made = not (folder / KEY).exists()
    if made:
        key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
        write_private(folder / KEY, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                      serialization.NoEncryption()), anew=True)
    if not (folder / SETTINGS).exists():
        write_private(folder / SETTINGS, TEMPLATE.encode(), anew=True)
    return made


def read_key(root: str | Path) -> rsa.RSAPrivateKey:
    """The private key. Raises `CourseError`; no message quotes the file."""
    path = Path(root, FOLDER, KEY)
    try:
        key = serialization.load_pem_private_key(read_private(path), password=None)
    except FileNotFoundError:
        raise CourseError(f"There is no key {path}. Make one, and give its public half to the platform: course lms key") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None      # what the error says might hold parts of the file
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < BITS:
        raise CourseError(f"{path} is no RSA key of {BITS} bits or more without a password. Move it away and make a new one: course lms key")
    return key


def jwk_of(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """The public half as a JSON Web Key (RFC 7517); its name `kid` is the key's thumbprint (RFC 7638), so that nobody has to choose one."""
    public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "n": public["n"], "e": public["e"], "alg": "RS256", "use": "sig", "kid": thumbprint(public)}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    canonical = json.dumps({name: jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"), sort_keys=True)
    return urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def pem_of(key: rsa.RSAPrivateKey) -> str:
    """The public half as platforms take it that know no JSON Web Keys."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
