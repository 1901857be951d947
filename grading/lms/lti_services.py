"""Columns, scores, results and members of a learning platform, as LTI Advantage calls them. Section numbers are those of AGS 2.0."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..notebooks.names import printable
from .classlist import ClassList, person_of, trouble_with, without_twins
from .lti import Platform, PlatformError, origin, with_path, with_query

AGS, NRPS = "https://purl.imsglobal.org/spec/lti-ags/scope/", "https://purl.imsglobal.org/spec/lti-nrps/scope/"
LINE_ITEM, LINE_ITEM_READ, RESULT_READ, SCORE = (AGS + name for name in ("lineitem", "lineitem.readonly", "result.readonly", "score"))
MEMBERS_READ = NRPS + "contextmembership.readonly"
LOOKING, SENDING = (LINE_ITEM_READ, RESULT_READ, MEMBERS_READ), (LINE_ITEM, RESULT_READ, SCORE, MEMBERS_READ)

ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"                              # 3.2.1
ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"                    # 3.3.4
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"                                # 3.4.3
MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"           # NRPS 2.0, "Membership container media type"

# Canvas counts each score as one more attempt of the student's unless it is told that it is none. An extension is named by a URL,
# and other platforms pass over it (3.1.2).
NO_ATTEMPT = {"https://canvas.instructure.com/lti/submission": {"new_submission": False}}


@dataclass(frozen=True)
class LineItem:
    """A column of the platform's gradebook. Its `id` is its address (3.2.3)."""

    id: str
    label: str
    maximum: float
    resource_id: str


@dataclass(frozen=True)
class Result:
    """What the platform holds for a user now, whoever wrote it (3.3); `by` is the person who did, where it says so (3.3.4.7)."""

    score: float | None
    maximum: float
    by: str = ""

    def of(self, maximum: float) -> float | None:
        """The score, scaled."""
        return None if self.score is None else self.score / self.maximum * maximum


# --- line items ---------------------------------------------------------------------------------------------------

def find_line_item(platform: Platform, resource_id: str) -> LineItem | None:
    """The column of an assignment, by its `resourceId` (3.2.10): people rename columns, and this stays. Raises `PlatformError`."""
    url = with_query(platform.settings.lineitems_url, f"resource_id={quote(resource_id, safe='')}")        # 3.2.4
    found = [line_item(said) for page in platform.pages(url, ITEMS_TYPE, "columns") for said in a_list(page, "columns")
             if isinstance(said, dict) and said.get("resourceId") == resource_id]      # some answer with all of them
    if len(found) > 1:
        labels = ", ".join(printable(item.label) for item in found)
        raise PlatformError(f"{platform.host} has {len(found)} columns for {resource_id}: {labels}. Remove there those that are not meant", for_all=True)
    return found[0] if found else None


def make_line_item(platform: Platform, resource_id: str, label: str, maximum: float) -> LineItem:
    """Make the column (3.2.5). Not tried again by itself after a failure over there: it may have been made, and is found next time."""
    body = {"label": label, "scoreMaximum": maximum, "resourceId": resource_id}
    answer = platform.post(platform.settings.lineitems_url, "a new column", ITEM_TYPE, lambda: body, again=False)
    return line_item(platform.read(answer, "a new column"))


def line_item(said: Any) -> LineItem:
    if not isinstance(said, dict) or not isinstance(said.get("id"), str) or not origin(said["id"])[0]:
        raise PlatformError("The platform sent a column without an address (id)", for_all=True)
    return LineItem(said["id"], str(said.get("label", "")), number(said.get("scoreMaximum"), "a column's scoreMaximum"),
                    str(said.get("resourceId") or ""))


# --- results and scores -------------------------------------------------------------------------------------------

def results_of(platform: Platform, item: LineItem) -> dict[str, Result]:
    """{user: what the platform holds}, over all pages (3.3.6); who has none may be left out (3.3.5)."""
    found = {}
    for page in platform.pages(with_path(item.id, "/results"), RESULTS_TYPE, "results"):
        for said in a_list(page, "results"):
            if not isinstance(said, dict) or not said.get("userId"):
                raise PlatformError("The platform sent a result that is nobody's (no userId)", for_all=True)
            score, maximum = said.get("resultScore"), said.get("resultMaximum")
            found[str(said["userId"])] = Result(
                None if score is None else number(score, "a resultScore"),
                1.0 if maximum is None else number(maximum, "a resultMaximum", positive=True),       # 3.3.4.6
                str(said.get("scoringUserId") or ""))
    return found


def send_score(platform: Platform, item: LineItem, user: str, score: float | None, maximum: float, state: str,
               stamp: Callable[[], str]) -> str:
    """Send one score (3.4) and give back its time stamp. `state` is the gradingProgress (3.4.8); a number goes along with its
    maximum, and none at all means that there is none (3.4.4). Each try has a time stamp of its own (3.4.9)."""
    stamps = [""]

    def body() -> dict[str, Any]:
        stamps[0] = stamp()
        points = {} if score is None else {"scoreGiven": score, "scoreMaximum": maximum}
        return {"userId": user, "timestamp": stamps[0], "activityProgress": "Completed", "gradingProgress": state, **points, **NO_ATTEMPT}

    platform.post(with_path(item.id, "/scores"), "a score", SCORE_TYPE, body, accept=f"{SCORE_TYPE}, application/json")
    return stamps[0]


# --- members ------------------------------------------------------------------------------------------------------

def members_of(platform: Platform) -> list[dict[str, Any]]:
    """Everybody in the platform's course, as it describes them (NRPS 2.0, "Membership container")."""
    found = []
    for page in platform.pages(platform.settings.memberships_url, MEMBERS_TYPE, "members"):
        members = page.get("members") if isinstance(page, dict) else None
        for said in a_list(members, "members"):
            if not isinstance(said, dict) or not said.get("user_id"):
                raise PlatformError("The platform sent a member without a user_id", for_all=True)
            found.append(said)
    return found


def learns(member: dict[str, Any]) -> bool:
    """Whether it is a student who takes part now. A role is the address of a term, or its last word alone ("Context roles" of LTI)."""
    said = member.get("roles")
    roles = {str(role).rpartition("#")[2] for role in (said if isinstance(said, list) else [said])}
    return "Learner" in roles and "TestUser" not in roles and member.get("status", "Active") == "Active"


def class_list(members: list[dict[str, Any]], id_from: str | None = None) -> ClassList:
    """The students among the members, as `course class import` takes a class list. `id_from` names the member's property that is
    the id here, for example `email`."""
    people, trouble = [], []
    for row, member in enumerate(filter(learns, members), start=1):
        def text(name: str, member: dict[str, Any] = member) -> str:
            return str(member.get(name) or "").strip()
        values = {"id": text("user_id"), "number": text("lis_person_sourcedid"), "login": text("ext_user_username"), "email": text("email"),
                  "first": text("given_name"), "last": text("family_name"), "name": text("name")}
        person = person_of(values, text(id_from) if id_from else None, "lti", row)
        why = trouble_with(person, values)
        trouble += [f"member {row} ({printable(person.name or values['id'])}): {why}"] if why else []
        people += [] if why else [person]
    return without_twins(people, trouble, "lti")


def a_list(said: Any, what: str) -> list[Any]:
    if not isinstance(said, list):
        raise PlatformError(f"The platform sent no list of {what}. Is its address in .lti/settings.toml that of the {what}?", for_all=True)
    return said


def number(said: Any, what: str, positive: bool = False) -> float:
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not abs(said) < 1e300 or (positive and said <= 0):
        raise PlatformError(f"The platform sent {what} that is no {'positive ' * positive}number: {printable(said)}", for_all=True)
    return float(said)
