"""Requests to the services of a learning platform (LTI Advantage): the token, pages, patience, and errors in a sentence.

What is sent where stands in the specifications, named here as: AGS, "LTI Assignment and Grade Services 2.0"; NRPS, "LTI Names
and Role Provisioning Services 2.0"; SEC, "1EdTech Security Framework 1.0"; RFC numbers.
"""

import json
import re
import ssl
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from time import sleep, time
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx
import jwt

from ..notebooks.names import printable
from ..root import CourseError
from .lti_settings import Settings, jwk_of

TRIES = 4               # of one request
PATIENCE = 90.0         # seconds that are waited in all, for everything that is asked of a platform
TIMEOUT = 30.0          # seconds without a byte
LIFETIME = 60           # seconds that an assertion is good for
MOST_PAGES = 1000
TOKEN = "a token"
LONG = re.compile(r"[\w.~+/-]{40,}")        # what may be a token, a part of one or an assertion
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class PlatformError(CourseError):
    """The platform did not do what was asked. `for_all`: the next request would fare no better."""

    def __init__(self, message: str, for_all: bool = False) -> None:
        super().__init__(message)
        self.for_all = for_all


class Platform:
    """One platform, asked with a token for `scopes`. To be used in a `with`.

    The token goes to the hosts of the settings and no other, is never written down, and stands in no message.
    """

    def __init__(self, settings: Settings, scopes: Iterable[str]) -> None:
        self.settings, self.scopes = settings, sorted(scopes)
        self.patience, self.pause, self._token = PATIENCE, 1.0, ""
        self.known = {origin(url) for url in (settings.lineitems_url, settings.memberships_url)}
        # a redirection is not followed: it would carry the token to a host that nobody named
        self.http = httpx.Client(timeout=TIMEOUT, follow_redirects=False, verify=certificates(), headers={"User-Agent": "gradients-course"})

    def __enter__(self) -> "Platform":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def host(self) -> str:
        return urlsplit(self.settings.lineitems_url).netloc

    # --- what the services need -----------------------------------------------------------------------------------

    def pages(self, url: str, media_type: str, what: str) -> Iterator[Any]:
        """The JSON of each page of a container. The URL of the next one comes from the header Link (RFC 8288) and is taken as it
        is (AGS 3.2.4, 3.3.6; NRPS, "Limiting the number of members")."""
        seen: set[str] = set()
        following: str | None = url
        while following:
            if following in seen or len(seen) >= MOST_PAGES:
                raise PlatformError(f"{self.host}: the pages of {what} have no end: one names itself as the next. Nothing was taken from them.")
            seen.add(following)
            answer = self.ask("GET", following, what, accept=media_type)
            yield self.read(answer, what)
            following = next_page(answer)

    def post(self, url: str, what: str, media_type: str, body: Callable[[], dict[str, Any]], accept: str | None = None,
             again: bool = True) -> httpx.Response:
        """Send what `body` makes, anew for each try. Without `again` only what the platform surely did not take is tried again."""
        return self.ask("POST", url, what, accept=accept or media_type, media_type=media_type, body=body, again=again)

    def read(self, answer: httpx.Response, what: str) -> Any:
        try:
            return answer.json()
        except (ValueError, RecursionError):
            raise PlatformError(f"{self.asked_for(what)}: what it sent as {what} is cut off, or no JSON. Nothing was taken from it; run the same command "
                                "again") from None

    # --- one request ----------------------------------------------------------------------------------------------

    def ask(self, method: str, url: str, what: str, accept: str, media_type: str | None = None,
            body: Callable[[], dict[str, Any]] | None = None, again: bool = True) -> httpx.Response:
        """A good answer. A token that has run out is renewed once (RFC 6750, 3.1), "later" (429) and failures of the platform's own
        are waited for, within bounds. Raises `PlatformError`."""
        if origin(url) not in self.known:
            raise PlatformError(f"{self.host} named the address {printable(url)} for {what}. It is of another host than those in the settings, "
                                "and gets no token", for_all=True)

        def request() -> httpx.Response:
            headers = {"Accept": accept, "Authorization": f"Bearer {self.token()}"}
            if body is None:
                return self.http.request(method, url, headers=headers)
            return self.http.request(method, url, headers={**headers, "Content-Type": media_type or ""}, content=json.dumps(body()).encode())

        answer = self.tried(what, again, request)
        if answer.status_code == 401:
            self._token = self.new_token()
            answer = self.tried(what, again, request)
        if not answer.is_success:
            raise self.refused(answer, what)
        return answer

    def tried(self, what: str, again: bool, request: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer to a request, of whatever status. "Later" (429), with `again` also no answer and failures of the platform's own,
        are waited for and tried again, within bounds. Raises `PlatformError` where no answer comes."""
        left = TRIES
        while True:
            left -= 1
            try:
                answer = request()
            except httpx.InvalidURL:
                raise PlatformError(f"{self.asked_for(what)}: the address of {what} is none", for_all=True) from None
            except httpx.RequestError as error:
                if again and left and self.wait():
                    continue
                raise self.silent(what, error) from None
            passes = answer.status_code == 429 or (answer.status_code >= 500 and again)
            if not (passes and left and self.wait(answer)):
                return answer

    def wait(self, answer: httpx.Response | None = None) -> bool:
        """Wait as long as the platform asks for (RFC 9110, 10.2.3), else a second, then two, then four; False where that is too long."""
        asked = seconds_of(answer.headers.get("Retry-After", "")) if answer is not None else None
        seconds = self.pause if asked is None else asked
        if seconds > self.patience:
            return False
        self.patience, self.pause = self.patience - seconds, min(2 * self.pause, 4.0)
        sleep(seconds)
        return True

    # --- the token ------------------------------------------------------------------------------------------------

    def token(self) -> str:
        """The access token, asked for if there is none: the client-credentials grant (RFC 6749, 4.4) with a signed assertion in place
        of a password (SEC, "Using JSON Web Tokens with OAuth 2.0 Client-Credentials Grant")."""
        self._token = self._token or self.new_token()
        return self._token

    def new_token(self) -> str:
        def request() -> httpx.Response:
            form = {"grant_type": "client_credentials", "client_assertion_type": JWT_BEARER, "client_assertion": self.assertion(),
                    "scope": " ".join(self.scopes)}
            return self.http.post(self.settings.token_url, data=form, headers={"Accept": "application/json"})

        answer = self.tried(TOKEN, True, request)
        if not answer.is_success:
            raise self.no_token(answer)
        return self.token_in(self.read(answer, TOKEN))

    def token_in(self, said: Any) -> str:
        token = said.get("access_token") if isinstance(said, dict) else None
        # it goes into a header
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable() or str(said.get("token_type", "")).lower() != "bearer":
            raise PlatformError(f"{self.host} answered the request for a token with something else", for_all=True)
        # it may grant less than was asked for, and then says so (RFC 6749, 5.1)
        granted = said.get("scope")
        granted = granted.split() if isinstance(granted, str) else granted
        lacking = set(self.scopes).difference(map(str, granted)) if isinstance(granted, list) and granted else set()
        if lacking:
            raise PlatformError(f"{self.host} gives this tool no right to: {', '.join(map(meaning, sorted(lacking)))}. Switch it on in "
                                "the tool's settings there: docs/lti.md", for_all=True)
        return token

    def assertion(self) -> str:
        """A signed statement of who asks (RFC 7523, 3): good for a minute, for this platform, and once."""
        now = int(time())
        claims = {"iss": self.settings.client_id, "sub": self.settings.client_id, "aud": self.settings.audience, "iat": now,
                  "exp": now + LIFETIME, "jti": str(uuid.uuid4())}
        return jwt.encode(claims, self.settings.key, algorithm="RS256", headers={"kid": jwk_of(self.settings.key)["kid"]})

    # --- errors ---------------------------------------------------------------------------------------------------

    def no_token(self, answer: httpx.Response) -> PlatformError:
        said = self.reason(answer, ("error", "error_description"))
        hints = {"invalid_client": "Is client_id the one shown there, and the public key that of this course (course lms key)?",
                 "invalid_scope": "Switch all of the services on in the tool's settings there: docs/lti.md",
                 "unauthorized_client": "Is the tool switched on for this course there?"}
        hint = next((hint for code, hint in hints.items() if code in said), "Compare .lti/settings.toml with what the platform shows: docs/lti.md")
        return PlatformError(f"{self.asked_for(TOKEN)} gives no token ({answer.status_code}{said and f': {said}'}). {hint}", for_all=True)

    def refused(self, answer: httpx.Response, what: str) -> PlatformError:
        code = answer.status_code
        said = self.reason(answer, ("error", "error_description", "message", "errors"))
        if code == 429:
            return PlatformError(f"{self.host} has had enough requests for now (429). What was sent is sent; run the same command again "
                                 f"{later(answer)}", for_all=True)
        if code in (401, 403):
            return PlatformError(f"{self.host} refuses access to {what} ({code}{said and f': {said}'}), although it gave a token. Is the tool in that "
                                 "course, with this service switched on? docs/lti.md", for_all=code == 401)
        if answer.is_redirect:
            return PlatformError(f"{self.host} sends elsewhere for {what} ({code}), which is not followed. Write the final address into .lti/settings.toml",
                                 for_all=True)
        return PlatformError(f"{self.host} answered {code} to {what}{said and f': {said}'}")

    def silent(self, what: str, error: httpx.RequestError) -> PlatformError:
        broken = {httpx.RemoteProtocolError: "the answer was cut off", httpx.DecodingError: "the answer is damaged"}.get(type(error))
        why = broken or self.clean(str(error)) or "no answer"
        return PlatformError(f"{self.asked_for(what)} cannot be reached for {what}: {why}. Run the same command again later", for_all=not broken)

    def asked_for(self, what: str) -> str:
        """The host that is asked for it."""
        return urlsplit(self.settings.token_url).netloc if what == TOKEN else self.host

    def reason(self, answer: httpx.Response, names: Iterable[str]) -> str:
        """What the platform said why, in a few words, without a secret that it may have repeated."""
        try:
            said = answer.json()
        except (ValueError, RecursionError):
            return ""
        words = [str(said[name]) for name in names if said.get(name)] if isinstance(said, dict) else []
        return self.clean(": ".join(words))

    def clean(self, text: str) -> str:
        """A text from outside for a message: no control characters, no secret, not without end."""
        for secret in (self._token, self.settings.client_id):
            text = text.replace(secret, "...") if secret else text
        return printable(" ".join(LONG.sub("...", text).split()), 200)


@cache
def certificates() -> ssl.SSLContext:
    """Those that SSL_CERT_FILE names, else those that come with httpx; reading them takes a while."""
    return httpx.create_ssl_context()


def origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts: SplitResult = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None


def next_page(answer: httpx.Response) -> str | None:
    """The address of the next page; a link may have several relations, and be relative (RFC 8288, 3)."""
    for link in answer.links.values():
        if "next" in link.get("rel", "").lower().split():
            with suppress(ValueError):
                return urljoin(str(answer.url), link["url"])
            return link["url"]      # no address, and refused as one
    return None


def seconds_of(text: str) -> float | None:
    """What the header Retry-After says, a number or a date (RFC 9110, 10.2.3); None where it says neither."""
    if text.strip().isdecimal():
        return min(float(text), 1e9)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def later(answer: httpx.Response) -> str:
    seconds = seconds_of(answer.headers.get("Retry-After", ""))
    return "later" if seconds is None else f"in {round(seconds)} seconds"


def meaning(scope: str) -> str:
    return printable(scope.rpartition("/scope/")[2])


def with_path(url: str, ending: str) -> str:
    """The address of a service below a line item: its path goes on, what stands behind "?" stays (AGS 3.3.1, 3.4.1)."""
    parts = urlsplit(url)
    return parts._replace(path=parts.path.rstrip("/") + ending).geturl()


def with_query(url: str, query: str) -> str:
    """An address with one more filter behind those that it has."""
    parts = urlsplit(url)
    return parts._replace(query=f"{parts.query}&{query}" if parts.query else query).geturl()
