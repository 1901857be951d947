"""A learning platform for tests, over http on this machine: strict about what a tool may send, with faults on demand.

It judges with code of its own: the signature of an assertion is verified with `cryptography` alone, so that nothing which signs
also says that it was signed well. Each rule names its place: AGS, "LTI Assignment and Grade Services 2.0"; NRPS, "LTI Names and
Role Provisioning Services 2.0"; SEC, "1EdTech Security Framework 1.0"; RFC numbers.
"""

import json
import re
import threading
import time
import urllib.request
from base64 import urlsafe_b64decode
from contextlib import contextmanager
from datetime import datetime
from email.message import Message
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from grading.lms import lti_settings, private

AGS, NRPS = "https://purl.imsglobal.org/spec/lti-ags/scope/", "https://purl.imsglobal.org/spec/lti-nrps/scope/"
SCOPES = {AGS + "lineitem", AGS + "lineitem.readonly", AGS + "result.readonly", AGS + "score", NRPS + "contextmembership.readonly"}
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = {"items": "application/vnd.ims.lis.v2.lineitemcontainer+json", "item": "application/vnd.ims.lis.v2.lineitem+json",
         "results": "application/vnd.ims.lis.v2.resultcontainer+json", "scores": "application/vnd.ims.lis.v1.score+json",
         "members": "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"}
NEEDED = {("GET", "items"): {"lineitem", "lineitem.readonly"}, ("POST", "items"): {"lineitem"}, ("GET", "results"): {"result.readonly"},
          ("POST", "scores"): {"score"}, ("GET", "members"): {"contextmembership.readonly"}}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}(Z|[+-]\d\d(:?\d\d)?)")
ACTIVITY = {"Initialized", "Started", "InProgress", "Submitted", "Completed"}
GRADING = {"FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"}
OWN = {"userId", "scoringUserId", "scoreGiven", "scoreMaximum", "comment", "timestamp", "activityProgress", "gradingProgress", "submission"}
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"


class Refusal(Exception):
    """What the platform answers to a request that breaks a rule."""

    def __init__(self, status, why, error="invalid_request", **headers):
        super().__init__(why)
        self.status, self.why, self.error, self.headers = status, why, error, headers


class FakePlatform:
    """One course, in which one tool is registered. All of it is plain data that a test may look at and change."""

    def __init__(self, client_id="the-client-id", page=2):
        self.client_id, self.page = client_id, page
        self.jwks, self.allowed = {"keys": []}, set(SCOPES)
        self.members, self.items, self.results, self.last = [], {}, {}, {}
        self.tokens, self.jtis, self.issued, self.granted = {}, set(), set(), []
        self.faults, self.refused_users = {}, {}      # {"token", "items", "results", "members" or "scores": faults in order}, {user: status}
        self.log, self.broken, self.scores = [], [], []      # requests; rules that were broken; scores that were taken

    # --- what a test does over there ------------------------------------------------------------------------------

    def add_member(self, user, roles=(LEARNER,), **about):
        self.members.append({"user_id": user, "roles": list(roles), "status": "Active", **about})

    def add_item(self, resource_id, label="A column", maximum=25.0):
        number = len(self.items) + 1
        self.items[str(number)] = {"id": f"{self.url}/course/7/lineitems/{number}/lineitem?type_id=3", "label": label, "scoreMaximum": maximum,
                                   "resourceId": resource_id}
        self.results[str(number)] = {}
        return str(number)

    def override(self, item, user, score, **about):
        """A person types a score into the platform's gradebook."""
        self.results[item][user] = {"resultScore": score, "resultMaximum": self.items[item]["scoreMaximum"], **about}

    def held(self, item="1"):
        return {user: one.get("resultScore") for user, one in self.results[item].items()}

    # --- the token ------------------------------------------------------------------------------------------------

    def token(self, request):
        # RFC 6749, 4.4.2: a form in the body of a POST
        if request.type != "application/x-www-form-urlencoded":
            raise Refusal(400, "the request for a token is no form")
        form = dict(parse_qsl(request.body.decode()))
        if form.get("grant_type") != "client_credentials":
            raise Refusal(400, "grant_type", "unsupported_grant_type")
        # RFC 7523, 2.2
        if form.get("client_assertion_type") != JWT_BEARER:
            raise Refusal(400, "client_assertion_type", "invalid_client")
        self.verify(form.get("client_assertion", ""))
        # RFC 6749, 3.3 and 5.2; SEC, "Using JSON Web Tokens with OAuth 2.0 Client-Credentials Grant": the scopes are named
        scopes = set(form.get("scope", "").split())
        if not scopes or not scopes <= self.allowed:
            raise Refusal(400, f"scope {sorted(scopes - self.allowed)}", "invalid_scope")
        token = f"eyJtoken{len(self.tokens)}.{'x' * 120}.secret"
        self.tokens[token] = {scope.rpartition("/")[2] for scope in scopes}
        self.granted.append(scopes)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": " ".join(sorted(scopes))}, {}

    def verify(self, assertion):
        """RFC 7515, 5.2 and RFC 7523, 3: whose it is, that it is meant for us, still good, and new."""
        try:
            head, body, signature = assertion.split(".")
            header, claims = (json.loads(decoded(part)) for part in (head, body))
        except ValueError:
            raise Refusal(400, "the assertion is no signed JWT", "invalid_client") from None
        # SEC: RS256; an algorithm that the sender chooses freely ("none", a shared secret) would let anybody sign
        if header.get("alg") != "RS256":
            raise Refusal(400, "alg", "invalid_client")
        # SEC, "Key Management": the key is found by its name in the set that the tool publishes
        with urllib.request.urlopen(f"{self.url}/tool/jwks.json", timeout=10) as answer:
            keys = {key["kid"]: key for key in json.load(answer)["keys"] if key.get("use") == "sig" and key.get("kty") == "RSA"}
        if header.get("kid") not in keys:
            raise Refusal(400, "kid", "invalid_client")
        n, e = (int.from_bytes(decoded(keys[header["kid"]][name])) for name in "ne")
        try:
            RSAPublicNumbers(e, n).public_key().verify(decoded(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            raise Refusal(400, "signature", "invalid_client") from None
        now, audience = time.time(), claims.get("aud")
        if claims.get("iss") != self.client_id or claims.get("sub") != self.client_id:       # RFC 7523, 3 (1, 2)
            raise Refusal(400, "iss, sub", "invalid_client")
        if f"{self.url}/token" not in (audience if isinstance(audience, list) else [audience]):        # 3 (3)
            raise Refusal(400, "aud", "invalid_client")
        if not isinstance(claims.get("exp"), int) or not now < claims["exp"] <= now + 3600:        # 3 (4)
            raise Refusal(400, "exp", "invalid_client")
        if not isinstance(claims.get("iat"), int) or not now - 3600 < claims["iat"] <= now + 60:        # 3 (6); SEC asks for it
            raise Refusal(400, "iat", "invalid_client")
        if not claims.get("jti") or claims["jti"] in self.jtis:        # 3 (7); SEC: never twice
            raise Refusal(400, "jti", "invalid_client")
        self.jtis.add(claims["jti"])

    # --- the services ---------------------------------------------------------------------------------------------

    def authorise(self, request, kind):
        # RFC 6750, 2.1 and 3.1
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self.tokens:
            raise Refusal(401, "token", "invalid_token", **{"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if (request.method, kind) not in NEEDED:       # AGS 3.3.2 (results are read), 3.4 (scores are written)
            raise Refusal(405, f"{request.method} {kind}")
        if not NEEDED[request.method, kind] & self.tokens[token]:        # AGS 3.2, 3.3.2, 3.4.2
            raise Refusal(403, f"scope for {request.method} {kind}", "insufficient_scope")
        wanted = request.headers.get("Accept", "")
        if request.method == "GET" and wanted != TYPES[kind]:       # AGS 3.2.1, 3.3.4; NRPS, "Membership container media type"
            raise Refusal(406, f"Accept {wanted}")
        due = TYPES["item" if kind == "items" else kind]
        if request.method == "POST" and request.type != due:        # AGS 3.2.5, 3.4.3
            raise Refusal(415, f"Content-Type {request.type}")

    def paged(self, request, everything, kind):
        """A page, with the address of the next in Link (AGS 3.2.4, 3.3.6). That address is opaque and has to be used as it is."""
        if "cursor" in request.query and request.url not in self.issued:
            raise Refusal(400, "the address of the next page was changed")
        start = int(request.query.get("cursor", 0))
        headers = {"Content-Type": TYPES[kind]}
        if start + self.page < len(everything):
            kept = "".join(f"&{name}={value}" for name, value in request.query.items() if name != "cursor")
            following = f"{self.url}{request.path}?cursor={start + self.page}{kept}"
            self.issued.add(following)
            headers["Link"] = f'<{self.url}{request.path}?first=1>; rel="first", <{following}>; rel="next"'
        return everything[start:start + self.page], headers

    def handle_items(self, request):
        if request.method == "GET":
            wanted = request.query.get("resource_id")
            found = [item for item in self.items.values() if wanted in (None, item["resourceId"])]       # AGS 3.2.4
            page, headers = self.paged(request, found, "items")
            return 200, page, headers
        item = request.json()
        if not isinstance(item.get("label"), str) or not item["label"].strip():       # AGS 3.2.7
            raise Refusal(400, "label")
        maximum = item.get("scoreMaximum")
        if isinstance(maximum, bool) or not isinstance(maximum, (int, float)) or maximum <= 0:       # AGS 3.2.8
            raise Refusal(400, "scoreMaximum")
        if not isinstance(item.get("resourceId", ""), str) or "id" in item:       # AGS 3.2.10, 3.2.3
            raise Refusal(400, "resourceId, id")
        return 201, self.items[self.add_item(item.get("resourceId", ""), item["label"], maximum)], {"Content-Type": TYPES["item"]}

    def handle_results(self, request, number):
        everything = [{"id": f"{self.url}/result/{user}", "scoreOf": self.items[number]["id"], "userId": user, **one}
                      for user, one in self.results[number].items()]
        page, headers = self.paged(request, everything, "results")
        return 200, page, headers

    def handle_scores(self, request, number):
        score = request.json()
        user, item = score.get("userId"), self.items[number]
        if user in self.refused_users:
            raise Refusal(self.refused_users[user], "the user is not graded here")
        if any(key not in OWN and not urlsplit(key).scheme for key in score):       # AGS 3.1.2: extensions are named by a URL
            raise Refusal(400, "a property that is none")
        if not isinstance(user, str) or user not in {member["user_id"] for member in self.members}:       # AGS 3.4.5
            raise Refusal(404, "userId")
        if score.get("activityProgress") not in ACTIVITY or score.get("gradingProgress") not in GRADING:       # AGS 3.4.7, 3.4.8
            raise Refusal(400, "activityProgress, gradingProgress")
        given, maximum = score.get("scoreGiven"), score.get("scoreMaximum")
        if given is not None and (not number_from(given, 0) or not number_from(maximum, 0) or maximum == 0):       # AGS 3.4.4
            raise Refusal(400, "scoreGiven, scoreMaximum")
        stamp = score.get("timestamp")
        if not isinstance(stamp, str) or not STAMP.fullmatch(stamp):       # AGS 3.4.9: with its zone, more precise than a second
            raise Refusal(400, "timestamp")
        moment = datetime.fromisoformat(stamp)
        if moment <= self.last.get((number, user), datetime.min.replace(tzinfo=moment.tzinfo)):       # AGS 3.4.9: strictly increasing
            raise Refusal(409, "timestamp is not later")
        self.last[number, user] = moment
        self.scores.append(score)
        if score["gradingProgress"] in ("FullyGraded", "PendingManual"):
            # AGS 3.4.4: scaled to the column's maximum; no number clears the one that is there
            held = None if given is None else given / maximum * item["scoreMaximum"]
            self.results[number][user] = {"resultScore": held, "resultMaximum": item["scoreMaximum"]}
        return 200, {"resultUrl": f"{self.url}/result/{user}"}, {}

    def handle_members(self, request):
        page, headers = self.paged(request, self.members, "members")
        # NRPS, "Membership container"
        return 200, {"id": f"{self.url}/course/7/members", "context": {"id": "7"}, "members": page}, headers

    def answer(self, request):
        """(status, JSON, headers) to a request."""
        if (request.method, request.path) == ("GET", "/tool/jwks.json"):
            return 200, self.jwks, {}
        if request.path == "/token":
            return self.token(request)
        if request.path == "/course/7/members":
            self.authorise(request, "members")
            return self.handle_members(request)
        match = re.fullmatch(r"/course/7/lineitems(?:/(\d+)/lineitem/(results|scores))?", request.path)
        # AGS 3.3.1, 3.4.1: the path goes on, the query of the line item's address stays
        if not match or request.query.get("type_id") != "3" or (match[1] and match[1] not in self.items):
            raise Refusal(404, f"no such address: {request.url}")
        kind = match[2] or "items"
        self.authorise(request, kind)
        return getattr(self, f"handle_{kind}")(request, *filter(None, [match[1]]))


class Request:
    """What came in."""

    def __init__(self, handler, base):
        parts = urlsplit(handler.path)
        self.method, self.path, self.headers = handler.command, parts.path, handler.headers
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.url, self.body = base + handler.path, handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        content = Message()
        content["Content-Type"] = self.headers.get("Content-Type", "")
        self.type = content.get_content_type() if self.headers.get("Content-Type") else ""

    @property
    def kind(self):
        return next((kind for kind in ("results", "scores", "members", "token") if self.path.endswith(kind)), "items")

    def json(self):
        try:
            said = json.loads(self.body)
        except ValueError:
            raise Refusal(400, "no JSON") from None
        if not isinstance(said, dict):
            raise Refusal(400, "no object")
        return said


def serve(platform):
    class Handler(BaseHTTPRequestHandler):
        protocol_version, wbufsize = "HTTP/1.1", 1 << 16       # head and body in one packet

        def log_message(self, *_):
            pass

        def do_GET(self):
            request = Request(self, platform.url)
            own = request.path.startswith("/tool/")
            fault = (platform.faults.get(request.kind) or [None]).pop(0) if not own else None
            try:
                status, said, headers = fault_or_answer(platform, request, fault)
            except Refusal as refusal:
                platform.broken.append(f"{refusal.status} {refusal}")
                status, said, headers = refusal.status, {"error": refusal.error, "error_description": refusal.why}, refusal.headers
            if not own:
                platform.log.append((request.method, request.kind, status))
            content = json.dumps(said).encode()
            content = content[:len(content) // 2] if fault == "truncated" else content
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content) + (50 if fault == "cut off" else 0)),
                                **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = self.close_connection or fault == "cut off"

        do_POST = do_PUT = do_DELETE = do_GET

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def fault_or_answer(platform, request, fault):
    """What is wrong on purpose: a status, with the seconds to wait behind it, or a word."""
    if fault == "expired":       # RFC 6750, 3.1
        platform.tokens.clear()
    if isinstance(fault, tuple):
        return fault[0], {"error": "later"}, {"Retry-After": str(fault[1])}
    if isinstance(fault, int):
        return fault, {"error": "our own fault"}, {"Location": "https://elsewhere.example.org/"} if 300 <= fault < 400 else {}
    if fault == "stored and 500":
        platform.answer(request)
        return 500, {"error": "our own fault"}, {}
    if fault == "foreign next":
        status, said, headers = platform.answer(request)
        return status, said, {**headers, "Link": '<https://elsewhere.example.org/2>; rel="next"'}
    if fault == "echo":       # a platform that repeats what it was sent in its error
        return 400, {"error": "invalid_client", "error_description": request.body.decode() + " " + request.headers.get("Authorization", "")}, {}
    if fault == "damaged":       # by a proxy, say
        status, said, headers = platform.answer(request)
        return status, said, {**headers, "Content-Encoding": "gzip"}
    if fault in ("echo in short", "echo in short, 401"):
        return 401 if fault.endswith("401") else 400, {"error": f"client {platform.client_id} with {request.headers.get('Authorization', 'no token')} is unknown"}, {}
    return platform.answer(request)


@contextmanager
def running(**settings):
    """A `FakePlatform` that answers at its `url`."""
    platform = FakePlatform(**settings)
    server = serve(platform)
    platform.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def decoded(part):
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def number_from(value, least):
    return not isinstance(value, bool) and isinstance(value, (int, float)) and value >= least


@cache
def key(owner="the tool"):
    """A private key; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def pem():
    return key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def connect(root, platform, **more):
    """Register the tool over there, and write the course's `.lti/` in `root`."""
    platform.jwks = {"keys": [lti_settings.jwk_of(key())]}
    said = {"client_id": platform.client_id, "token_url": f"{platform.url}/token", "memberships_url": f"{platform.url}/course/7/members",
            "lineitems_url": f"{platform.url}/course/7/lineitems?type_id=3", **more}
    private.write_private(root / ".lti" / "key.pem", pem())
    private.write_private(root / ".lti" / "settings.toml", "".join(f'{name} = "{value}"\n' for name, value in said.items()).encode())
    return lti_settings.Settings(platform.client_id, key(), *(said[name] for name in lti_settings.ADDRESSES), said["token_url"])
