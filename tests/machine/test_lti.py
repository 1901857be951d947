"""The services of a learning platform: the platform of the tests refuses what the specifications forbid, the course's client keeps to
them, and bears what platforms do."""

import json
import os
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import httpx
import jwt
import pytest
from lti_platform import AGS, INSTRUCTOR, LEARNER, NRPS, SCOPES, TYPES, connect, key, running

from grading.lms import lti, lti_services, lti_settings, private
from grading.lms.lti import Platform, PlatformError
from grading.lms.lti_sent import stamp
from grading.root import CourseError


@pytest.fixture
def naps(monkeypatch):
    """The seconds that were waited, without waiting them; no proxy of this machine is asked."""
    taken = []
    monkeypatch.setattr("grading.lms.lti.sleep", taken.append)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return taken


@pytest.fixture
def there(naps):
    with running() as platform:
        for number in range(1, 6):
            platform.add_member(f"u{number}", email=f"student-0{number}@example.org", name=f"Name {number}")
        platform.add_member("t1", [INSTRUCTOR])
        for name in ("course:ps0", "course:ps1", "course:ps2"):
            platform.add_item(name)
        yield platform


class Answer:
    """What came back to a request that is made by hand."""

    def __init__(self, method, url, body=b"", **headers):
        parts = urlsplit(url)
        with closing(HTTPConnection(parts.netloc, timeout=30)) as connection:
            connection.request(method, url.removeprefix(f"{parts.scheme}://{parts.netloc}"), body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            self.status, self.said = answer.status, json.loads(answer.read())


@pytest.fixture
def settings(there, tmp_path):
    return connect(tmp_path, there)


@pytest.fixture
def client(settings):
    with Platform(settings, lti_services.SENDING) as platform:
        yield platform


# --- the platform of the tests is strict ------------------------------------------------------------------------

def assertion(there, kid=None, signer=None, algorithm="RS256", **changes):
    now = int(time.time())
    claims = {"iss": there.client_id, "sub": there.client_id, "aud": f"{there.url}/token", "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    headers = {"kid": kid or there.jwks["keys"][0]["kid"]}
    return jwt.encode(claims, signer or key(), algorithm=algorithm, headers=headers)


def ask_for_token(there, signed=None, **changes):
    form = {"grant_type": "client_credentials", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": signed or assertion(there), "scope": " ".join(SCOPES)}
    return Answer("POST", f"{there.url}/token", urlencode(form | changes), Content_Type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("name, wrong", {
    "another's iss": lambda now, url: {"iss": "somebody"}, "no sub": lambda now, url: {"sub": None},
    "another platform's aud": lambda now, url: {"aud": "https://elsewhere.example.org/token"}, "no aud": lambda now, url: {"aud": None},
    "has run out": lambda now, url: {"exp": now - 10, "iat": now - 70}, "no exp": lambda now, url: {"exp": None},
    "good for a day": lambda now, url: {"exp": now + 86400}, "from the future": lambda now, url: {"iat": now + 600},
    "no iat": lambda now, url: {"iat": None}, "no jti": lambda now, url: {"jti": None},
    "a kid that is not published": lambda now, url: {"kid": "other"},
    "another key under our name": lambda now, url: {"signer": key("somebody else")},
    "no signature": lambda now, url: {"algorithm": "none"},
    "a shared secret": lambda now, url: {"algorithm": "HS256", "signer": "x" * 40},
}.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_an_assertion_that_is_wrong_gets_no_token(there, settings, name, wrong):
    assert ask_for_token(there).status == 200, "the right one gets one"
    changes = wrong(int(time.time()), there.url)
    if changes.get("algorithm") == "none":
        head, body, _ = assertion(there).split(".")
        signed = jwt.utils.base64url_encode(b'{"alg":"none"}').decode() + f".{body}."
    else:
        signed = assertion(there, **changes)
    answer = ask_for_token(there, signed)
    assert (answer.status, answer.said["error"]) == (400, "invalid_client")


def test_an_assertion_is_good_once_and_the_form_is_that_of_the_grant(there, settings):
    signed = assertion(there)
    assert [ask_for_token(there, signed).status for _ in range(2)] == [200, 400]
    assert ask_for_token(there, "no.jwt").said["error"] == "invalid_client"
    assert ask_for_token(there, grant_type="password").said["error"] == "unsupported_grant_type"
    assert ask_for_token(there, client_assertion_type="basic").said["error"] == "invalid_client"
    assert ask_for_token(there, scope="").said["error"] == "invalid_scope"
    assert ask_for_token(there, scope=AGS + "everything").said["error"] == "invalid_scope"
    assert Answer("POST", f"{there.url}/token", json.dumps({"client_assertion": signed}), Content_Type="application/json").status == 400


def good_score(**changes):
    score = {"userId": "u1", "timestamp": stamp(None), "activityProgress": "Completed", "gradingProgress": "FullyGraded", "scoreGiven": 2,
             "scoreMaximum": 4}
    return {name: value for name, value in (score | changes).items() if value is not None}


def send(there, method, path, kind, scopes=SCOPES, token=None, body=None, **more):
    headers = {"Authorization": f"Bearer {token or ask_for_token(there, scope=' '.join(scopes)).said['access_token']}",
               "Accept" if method == "GET" else "Content-Type": kind}
    return Answer(method, there.url + path, json.dumps(body) if body else b"", **headers | more).status


ITEMS, SCORES, RESULTS = "/course/7/lineitems", "/course/7/lineitems/1/lineitem/scores", "/course/7/lineitems/1/lineitem/results"
QUERY = "?type_id=3"


def test_each_service_wants_its_scope_its_media_type_and_its_address(there, settings):
    body = {"label": "ps9", "scoreMaximum": 4, "resourceId": "course:ps9"}
    for method, path, kind, scope, status, json_body in (
            ("GET", ITEMS + QUERY, TYPES["items"], AGS + "lineitem.readonly", 200, None), ("POST", ITEMS + QUERY, TYPES["item"], AGS + "lineitem", 201, body),
            ("GET", RESULTS + QUERY, TYPES["results"], AGS + "result.readonly", 200, None), ("POST", SCORES + QUERY, TYPES["scores"], AGS + "score", 200, good_score()),
            ("GET", "/course/7/members", TYPES["members"], NRPS + "contextmembership.readonly", 200, None)):
        more = {"body": json_body}
        assert send(there, method, path, kind, [scope], **more) == status, path
        assert send(there, method, path, kind, SCOPES - {scope, AGS + "lineitem"}, **more) == 403, path
        assert send(there, method, path, "application/json", [scope], **more) == (406 if method == "GET" else 415), path
        assert send(there, method, path, kind, token="made-up", **more) == 401
        assert send(there, method, path, kind, [scope], **more, Authorization="Basic eHg=") == 401
    assert send(there, "POST", ITEMS + QUERY, TYPES["item"], [AGS + "lineitem.readonly"], body=body) == 403
    assert send(there, "GET", SCORES + QUERY, TYPES["scores"]) == 405 and send(there, "POST", RESULTS + QUERY, TYPES["results"]) == 405
    assert send(there, "POST", SCORES, TYPES["scores"], body=good_score()) == 404, "the query of the line item's address is lost"
    assert send(there, "POST", "/course/7/lineitems/1/lineitem" + QUERY + "/scores", TYPES["scores"], body=good_score()) == 404


@pytest.mark.parametrize("changes, status", [
    ({"userId": None}, 404), ({"userId": "nobody"}, 404), ({"timestamp": None}, 400), ({"timestamp": "2026-11-26T05:00:00Z"}, 400),
    ({"timestamp": "2026-11-26T05:00:00.123"}, 400), ({"scoreMaximum": None}, 400), ({"scoreMaximum": 0}, 400), ({"scoreGiven": -1}, 400),
    ({"scoreGiven": "2"}, 400), ({"activityProgress": "Done"}, 400), ({"activityProgress": None}, 400), ({"gradingProgress": "Manual"}, 400),
    ({"gradingProgress": None}, 400), ({"note": "x"}, 400), ({"https://tool.example.org/note": "x"}, 200), ({"scoreGiven": None, "scoreMaximum": None}, 200)])
def test_a_score_that_is_wrong_is_refused(there, settings, changes, status):
    assert send(there, "POST", SCORES + QUERY, TYPES["scores"], body=good_score(**changes)) == status


def test_the_time_stamps_of_a_score_increase_and_no_number_clears_it(there, settings):
    first = good_score(timestamp="2026-11-26T05:00:00.500Z")
    assert [send(there, "POST", SCORES + QUERY, TYPES["scores"], body=first) for _ in range(2)] == [200, 409]
    assert there.held() == {"u1": 12.5}, "scaled to the column's 25 points"
    assert send(there, "POST", SCORES + QUERY, TYPES["scores"], body=good_score(timestamp="2026-11-26T05:00:00.499Z")) == 409
    assert send(there, "POST", SCORES + QUERY, TYPES["scores"], body=good_score(scoreGiven=None, scoreMaximum=None)) == 200
    assert there.held() == {"u1": None}


@pytest.mark.parametrize("item", [{"label": " ", "scoreMaximum": 1}, {"scoreMaximum": 1}, {"label": "a"}, {"label": "a", "scoreMaximum": 0},
                                  {"label": "a", "scoreMaximum": "1"}, {"label": "a", "scoreMaximum": 1, "resourceId": 4}])
def test_a_line_item_that_is_wrong_is_refused(there, settings, item):
    assert send(there, "POST", ITEMS + QUERY, TYPES["item"], body=item) == 400 and len(there.items) == 3


def test_the_address_of_the_next_page_is_taken_as_it_is(there, settings):
    assert send(there, "GET", "/course/7/members?cursor=2", TYPES["members"]) == 400
    assert send(there, "GET", "/course/7/members", TYPES["members"]) == 200
    assert send(there, "GET", "/course/7/members?cursor=2", TYPES["members"]) == 200
    assert send(there, "GET", "/course/7/members?cursor=2&limit=5", TYPES["members"]) == 400


# --- the client keeps to the rules ------------------------------------------------------------------------------

def test_columns_results_and_members_are_read_over_all_pages(there, client):
    for number in range(1, 6):
        there.override("2", f"u{number}", float(number))
    item = lti_services.find_line_item(client, "course:ps1")
    assert item.label == "A column" and item.maximum == 25.0 and "lineitems/2/" in item.id
    assert {user: result.score for user, result in lti_services.results_of(client, item).items()} == {f"u{n}": n for n in range(1, 6)}
    assert len(lti_services.members_of(client)) == 6
    assert there.broken == [] and there.granted == [set(lti_services.SENDING)], "one token, for what is needed"


def test_a_column_is_found_by_its_resource_and_never_by_its_label(there, client):
    there.items["2"]["label"] = "renamed by somebody"
    there.add_item("course:other", label="course:ps1")
    assert lti_services.find_line_item(client, "course:ps1").label == "renamed by somebody"
    assert lti_services.find_line_item(client, "course:ps9") is None
    made = lti_services.make_line_item(client, "course:ps&9?", "ps9", 4.0)
    assert lti_services.find_line_item(client, "course:ps&9?") == made and there.broken == []
    there.add_item("course:ps1", label="twice")
    with pytest.raises(PlatformError, match="2 columns for course:ps1: renamed by somebody, twice. Remove there"):
        lti_services.find_line_item(client, "course:ps1")


def test_a_result_says_its_scale_or_is_out_of_one(there, client):
    there.results["1"] = {"u1": {"resultScore": 0.5}, "u2": {"resultScore": 30, "resultMaximum": 60, "scoringUserId": "t1"}, "u3": {"resultScore": None}, "u4": {}}
    results = lti_services.results_of(client, lti_services.find_line_item(client, "course:ps0"))
    assert {user: (result.of(4.0), result.by) for user, result in results.items()} == {"u1": (2.0, ""), "u2": (2.0, "t1"), "u3": (None, ""), "u4": (None, "")}


def test_an_address_keeps_its_query():
    assert lti.with_path("https://lms/1/lineitem?type_id=3", "/scores") == "https://lms/1/lineitem/scores?type_id=3"
    assert lti.with_path("https://lms/1/", "/results") == "https://lms/1/results"
    assert lti.with_query("https://lms/items?type_id=3", "resource_id=a") == "https://lms/items?type_id=3&resource_id=a"
    assert lti.with_query("https://lms/items", "resource_id=a") == "https://lms/items?resource_id=a"


def test_time_stamps_increase_even_if_the_clock_goes_back():
    first = stamp(None, datetime(2026, 11, 26, 5, tzinfo=UTC))
    assert first == "2026-11-26T05:00:00.000Z"
    assert stamp(first, datetime(2026, 11, 26, 4, tzinfo=UTC)) == stamp(first, datetime(2026, 11, 26, 5, tzinfo=UTC)) == "2026-11-26T05:00:00.001Z"


def test_only_students_who_take_part_are_taken_from_the_members():
    members = [{"user_id": "1", "roles": [LEARNER], "email": "a@x", "name": "Ada Lovelace"}, {"user_id": "2", "roles": ["Learner"], "lis_person_sourcedid": "S2"},
               {"user_id": "3", "roles": [INSTRUCTOR]}, {"user_id": "4", "roles": [LEARNER], "status": "Inactive"},
               {"user_id": "5", "roles": [LEARNER, "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"]},
               {"user_id": "6", "roles": [LEARNER], "name": "No Address"}]
    found = lti_services.class_list(members)
    assert [(one.id, one.first, one.last, one.there) for one in found.people] == [
        ("a", "Ada", "Lovelace", {"id": "1"}), ("S2", "", "", {"id": "2", "number": "S2"})]
    assert found.trouble == ["member 3 (No Address): it has no login, number or e-mail address"]
    assert [one.id for one in lti_services.class_list(members, "user_id").people] == ["1", "2", "6"]


# --- and bears what platforms do --------------------------------------------------------------------------------

def test_a_token_that_has_run_out_is_renewed_once(there, client):
    there.faults["members"] = ["expired"]
    assert len(lti_services.members_of(client)) == 6 and len(there.granted) == 2
    there.faults["members"] = ["expired", "expired"]
    with pytest.raises(PlatformError, match="refuses access to members .401: invalid_token.*although it gave a token") as caught:
        lti_services.members_of(client)
    assert caught.value.for_all


def test_later_is_waited_for_as_long_as_it_says_and_no_longer_than_is_sensible(there, client, naps):
    there.faults["members"] = [(429, 7), 503, 503]
    assert len(lti_services.members_of(client)) == 6 and naps == [7.0, 2.0, 4.0]
    there.faults["members"] = [(429, 3600)]
    with pytest.raises(PlatformError, match="enough requests for now .429.*again in 3600 seconds") as caught:
        lti_services.members_of(client)
    assert caught.value.for_all and len(naps) == 3


def test_a_failure_over_there_is_tried_again_a_few_times_and_all_waiting_has_an_end(there, client, naps):
    there.faults["members"] = [500] * 4
    with pytest.raises(PlatformError, match="answered 500 to members: our own fault") as caught:
        lti_services.members_of(client)
    assert len(there.log) == 5 and not caught.value.for_all, "a token, and four tries"
    there.faults["members"] = [500] * 400
    for _ in range(12):
        with pytest.raises(PlatformError):
            lti_services.members_of(client)
    assert sum(naps) <= lti.PATIENCE


def test_a_token_is_waited_for_too(there, client, naps):
    there.faults["token"] = [(429, 1), 500]
    assert len(lti_services.members_of(client)) == 6 and naps == [1.0, 2.0]


@pytest.mark.parametrize("fault, said", [("truncated", "what it sent as members is cut off, or no JSON"), ("foreign next", "of another host"),
                                         (302, "sends elsewhere for members .302., which is not followed")])
def test_a_page_that_cannot_be_taken_is_a_sentence_and_not_half_a_class(there, client, fault, said):
    there.faults["members"] = [None, fault]
    with pytest.raises(PlatformError, match=said):
        lti_services.members_of(client)


def test_an_answer_that_breaks_off_is_asked_for_again(there, client):
    there.faults["members"] = ["cut off"]
    assert len(lti_services.members_of(client)) == 6
    there.faults["members"] = ["cut off"] * 4
    with pytest.raises(PlatformError, match="cannot be reached for members: the answer was cut off. Run the same command again later"):
        lti_services.members_of(client)


def test_a_score_that_is_tried_again_has_a_new_time_stamp(there, client):
    item = lti_services.find_line_item(client, "course:ps1")
    there.faults["scores"] = ["stored and 500"]
    stamps = iter(["2026-11-26T05:00:00.001Z", "2026-11-26T05:00:00.002Z"])
    assert lti_services.send_score(client, item, "u1", 3.0, 4.0, "FullyGraded", lambda: next(stamps)) == "2026-11-26T05:00:00.002Z"
    assert there.broken == [] and [one["timestamp"][-4:] for one in there.scores] == ["001Z", "002Z"]


def test_a_column_is_not_made_twice_by_trying_again(there, client):
    there.faults["items"] = ["stored and 500"]
    with pytest.raises(PlatformError, match="answered 500 to a new column"):
        lti_services.make_line_item(client, "course:ps9", "ps9", 4.0)
    assert len(there.items) == 4 and lti_services.find_line_item(client, "course:ps9")


def test_a_right_that_is_lacking_is_named(there, settings):
    there.allowed -= {AGS + "score"}
    with Platform(settings, lti_services.SENDING) as client, pytest.raises(PlatformError, match="gives no token .400: invalid_scope.*Switch all of the services on"):
        client.token()
    with Platform(settings, lti_services.LOOKING) as client:
        assert client.token(), "to look, less is asked for"


@pytest.mark.parametrize("granted, lacking", [(" ".join(lti_services.SENDING), ""), (list(lti_services.SENDING), ""), (None, ""),
                                              (" ".join(lti_services.LOOKING), "lineitem, score")])
def test_a_token_for_less_than_was_asked_for_is_none(there, client, granted, lacking):
    """RFC 6749, 5.1: what was granted is said where it differs; some say it as a list."""
    good = there.token
    there.token = lambda request: (200, good(request)[1] | {"scope": granted}, {})
    if lacking:
        with pytest.raises(PlatformError, match=f"gives this tool no right to: {lacking}. Switch it on"):
            client.token()
    else:
        assert client.token()


@pytest.mark.parametrize("said", [[], {"access_token": "x", "token_type": "mac"}, {"token_type": "bearer"}, {"access_token": 5, "token_type": "bearer"}])
def test_an_answer_that_is_no_token_is_said(there, client, said):
    there.token = lambda request: (200, said, {})
    with pytest.raises(PlatformError, match="answered the request for a token with something else"):
        client.token()


@pytest.mark.parametrize("page, said", [({}, "no list of results"), ([5], "a result that is nobody's"), ([{"userId": "u1", "resultScore": "5"}], "no number: 5"),
                                        ([{"userId": "u1", "resultScore": 1, "resultMaximum": 0}], "no positive number: 0"),
                                        ([{"userId": "u1", "resultScore": True}], "no number: True")])
def test_results_that_make_no_sense_are_no_results(there, client, page, said):
    item = lti_services.find_line_item(client, "course:ps1")
    there.handle_results = lambda request, number: (200, page, {})
    with pytest.raises(PlatformError, match=said):
        lti_services.results_of(client, item)


def test_pages_without_an_end_are_left(there, client):
    there.handle_members = lambda request: (200, {"members": []}, {"Link": f'<{there.url}/course/7/members>; rel="last next"'})
    with pytest.raises(PlatformError, match="the pages of members have no end"):
        lti_services.members_of(client)


def test_a_platform_that_is_not_there_is_a_sentence(there, tmp_path, naps):
    settings = connect(tmp_path, there, token_url="http://127.0.0.1:9/token")
    with Platform(settings, lti_services.LOOKING) as client, pytest.raises(PlatformError, match="^127.0.0.1:9 cannot be reached for a token: .*refused"):
        client.token()
    assert len(naps) == lti.TRIES - 1


def test_a_token_that_runs_out_on_the_last_try_is_renewed_and_never_shown(there, client):
    there.faults["members"] = [500, 500, 500, "expired"]
    assert len(lti_services.members_of(client)) == 6
    client._token = "abc"
    there.faults["members"] = [500, 500, 500, "echo in short, 401", "echo in short, 401"]
    with pytest.raises(PlatformError, match="client ... with Bearer ... is unknown"):
        lti_services.members_of(client)


@pytest.mark.parametrize("kind", ["token", "members"])
def test_an_answer_that_is_damaged_on_the_way_is_asked_for_again(there, client, kind):
    there.faults[kind] = ["damaged"]
    assert len(lti_services.members_of(client)) == 6
    there.faults[kind], client._token = ["damaged"] * 9, ""
    with pytest.raises(PlatformError, match="cannot be reached for .*: the answer is damaged"):
        lti_services.members_of(client)


def members(client):
    return lti_services.class_list(lti_services.members_of(client))


def results(client):
    return lti_services.results_of(client, lti_services.find_line_item(client, "course:ps1"))


DEEP = b"[" * 100_000 + b"]" * 100_000
GOOD = {"token": {"access_token": "good", "token_type": "bearer"}, "members": {"members": []},
        "items": [{"id": "https://lms.example.org/items/1", "scoreMaximum": 1, "resourceId": "course:ps1"}], "results": []}


@pytest.mark.parametrize("ask, kind, odd, said", [
    (members, "token", {"json": {"access_token": "tök", "token_type": "bearer"}}, "answered the request for a token with something else"),
    (members, "token", {"json": {"access_token": "a\r\nb", "token_type": "bearer"}}, "answered the request for a token with something else"),
    (members, "token", {"content": DEEP}, "lms.example.org: what it sent as a token is cut off, or no JSON"),
    (members, "token", {"status_code": 400, "content": DEEP}, "gives no token .400."),
    (members, "members", {"content": DEEP}, "cut off, or no JSON"),
    (members, "members", {"status_code": 429, "headers": {"Retry-After": "9" * 400}}, "enough requests for now"),
    (members, "members", {"status_code": 429, "headers": {"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}}, "enough requests for now"),
    (members, "members", {"json": {"members": []}, "headers": {"Link": '<http://[bad>; rel="next"'}}, "named the address http://.bad for members"),
    (members, "members", {"json": {"members": [{"user_id": "1", "roles": 5}]}}, None),
    (results, "items", {"json": [GOOD["items"][0] | {"id": "http://[bad"}]}, "a column without an address"),
    (results, "items", {"json": [GOOD["items"][0] | {"scoreMaximum": 10**400}]}, "scoreMaximum that is no number"),
    (results, "results", {"json": [{"userId": "u1", "resultScore": -10**400}]}, "a resultScore that is no number"),
    (results, "results", {"content": b'[{"userId": "u1", "resultScore": NaN}]'}, "a resultScore that is no number"),
], ids=lambda value: getattr(value, "__name__", None) or str(value)[:40])
def test_an_odd_answer_is_a_sentence_or_passed_over(naps, ask, kind, odd, said):
    def answer(request):
        asked = request.url.path.rpartition("/")[2]
        return httpx.Response(**{"status_code": 200} | odd) if asked == kind else httpx.Response(200, json=GOOD[asked])
    settings = lti_settings.Settings("client", key(), *(f"https://lms.example.org/{name}" for name in ("token", "items", "members")), "audience")
    with Platform(settings, lti_services.LOOKING) as client:
        client.http = httpx.Client(transport=httpx.MockTransport(answer))
        if said is None:
            ask(client)
        else:
            with pytest.raises(PlatformError, match=said):
                ask(client)


def test_an_address_that_the_request_cannot_have_is_said(naps):
    settings = lti_settings.Settings("client", key(), "https://lms.example.org/" + "x" * 70_000, *2 * ["https://lms.example.org/items"], "audience")
    with Platform(settings, lti_services.LOOKING) as client, pytest.raises(PlatformError, match="lms.example.org: the address of a token is none"):
        client.token()


# --- secrets ----------------------------------------------------------------------------------------------------

def test_what_a_platform_repeats_of_our_secrets_stands_in_no_error(there, client):
    lti_services.members_of(client)
    token = client.token()
    for kind in ("members", "token"):
        there.faults[kind] = ["echo"] * 5
        client._token = "" if kind == "token" else token
        with pytest.raises(PlatformError) as caught:
            lti_services.members_of(client)
        assert "..." in str(caught.value), str(caught.value)
        assert token not in str(caught.value) and there.client_id not in str(caught.value)
        assert "eyJ" not in str(caught.value), "neither a token nor an assertion begins"


@pytest.mark.parametrize("kind, said", [("members", "client ... with Bearer ... is unknown"), ("token", "client ... with no token is unknown")])
def test_neither_does_a_secret_that_is_short(there, client, kind, said):
    client._token = "abc" if kind == "members" else ""
    there.faults[kind] = ["echo in short"]
    with pytest.raises(PlatformError, match=said):
        lti_services.members_of(client)


def test_secrets_stand_in_no_repr(settings):
    assert "the-client-id" not in repr(settings) and "RSAPrivateKey" not in repr(settings)


@pytest.mark.parametrize("name", ["key.pem", "settings.toml"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_that_others_can_read_is_refused_with_the_remedy(there, settings, tmp_path, name, mode):
    path = tmp_path / ".lti" / name
    path.chmod(mode)
    with pytest.raises(CourseError, match=f"its mode is {mode:04o}.*Do: chmod 600 {path}$"):
        lti_settings.read_settings(tmp_path)
    path.chmod(0o600)
    lti_settings.read_settings(tmp_path)


def test_a_key_is_made_once_and_only_for_its_owner(tmp_path):
    assert lti_settings.make_key(tmp_path)
    for name in ("key.pem", "settings.toml"):
        assert (tmp_path / ".lti" / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".lti").stat().st_mode & 0o777 == 0o700
    jwk = lti_settings.jwk_of(lti_settings.read_key(tmp_path))
    assert jwk.keys() == {"kty", "n", "e", "alg", "use", "kid"}, "nothing of the private half"
    (tmp_path / ".lti" / "settings.toml").write_text("mine")
    assert not lti_settings.make_key(tmp_path), "the platform knows its public half"
    assert lti_settings.jwk_of(lti_settings.read_key(tmp_path)) == jwk and (tmp_path / ".lti" / "settings.toml").read_text() == "mine"


def test_the_name_of_a_key_is_its_thumbprint():
    """The example of RFC 7638, section 3.1."""
    n = ("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
         "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI"
         "SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
    assert lti_settings.thumbprint({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("line, said", [
    ('token_url = "http://lms.example.org/token"', "token_url begins with http://, where everybody on the way could read the token"),
    ('token_url = "lms.example.org"', "token_url is no address"), ('token_url = "https://lms.example.org:99999/token"', "token_url is no address"),
    ('token_url = "https://me:secret@lms.example.org"', "token_url is no address"),
    ('tokenurl = "x"', "there is no setting tokenurl. Did you mean token_url?"), ("client_id = 5", "client_id is a text in quotes"),
    ('client_id = ""', "client_id is empty. docs/lti.md"), ("client_id = the-secret", "is no TOML .*A line looks like this")])
def test_settings_that_cannot_be_are_said(there, settings, tmp_path, line, said):
    place = tmp_path / ".lti" / "settings.toml"
    name = line.split(" =")[0]
    place.write_text("\n".join(one for one in place.read_text().splitlines() if not one.startswith(f"{name} =")) + f"\n{line}\n")
    with pytest.raises(CourseError, match=said) as caught:
        lti_settings.read_settings(tmp_path)
    assert "secret" not in str(caught.value)


def test_a_course_that_is_not_connected_says_how(tmp_path):
    with pytest.raises(CourseError, match="connected with no learning platform.*course lms key"):
        lti_settings.read_settings(tmp_path)
    (tmp_path / ".lti").mkdir()
    private.write_private(tmp_path / ".lti" / "settings.toml", b'client_id = "a"\ntoken_url = "https://x"\nlineitems_url = "https://x"\n')
    with pytest.raises(CourseError, match="memberships_url is empty"):
        lti_settings.read_settings(tmp_path)


def test_a_hub_may_say_the_addresses_of_its_launch(there, settings, tmp_path, monkeypatch):
    place = tmp_path / ".lti" / "settings.toml"
    place.write_text("\n".join(line for line in place.read_text().splitlines() if not line.startswith(("lineitems", "memberships"))))
    monkeypatch.setenv("LTI_LINEITEMS_URL", settings.lineitems_url)
    monkeypatch.setenv("LTI_MEMBERSHIPS_URL", settings.memberships_url)
    assert lti_settings.read_settings(tmp_path).lineitems_url == settings.lineitems_url


def test_a_key_that_is_no_file_is_not_waited_for(there, settings, tmp_path):
    path = tmp_path / ".lti" / "key.pem"
    for make, said in ((os.mkfifo, "is a pipe"), (os.mkdir, "is a folder"), (lambda path: path.symlink_to("settings.toml"), "is a link")):
        path.rmdir() if path.is_dir() else path.unlink()
        make(path)
        with pytest.raises(CourseError, match=f"key.pem {said}.*Move it away"):
            lti_settings.read_settings(tmp_path)


def test_a_key_that_is_none_is_named_and_not_quoted(there, settings, tmp_path):
    (tmp_path / ".lti" / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n")
    with pytest.raises(CourseError, match="key.pem is no RSA key of 2048 bits") as caught:
        lti_settings.read_settings(tmp_path)
    assert "secret" not in str(caught.value)
    (tmp_path / ".lti" / "key.pem").unlink()
    with pytest.raises(CourseError, match="There is no key"):
        lti_settings.read_settings(tmp_path)


def test_published_keys_are_json(settings):
    assert json.loads(json.dumps(lti_settings.jwk_of(settings.key)))["use"] == "sig"
    assert lti_settings.pem_of(settings.key).startswith("-----BEGIN PUBLIC KEY-----")
