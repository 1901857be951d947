"""nbgrader's own ways to set and show a deadline, in the course's time zone and with a word on what cannot be read.

nbgrader takes a deadline without a zone for UTC, and one with a zone that it does not know as well, in silence; formgrader's
dialog shows a date of summer with the offset of winter, and saving it moves the deadline by an hour.
"""

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from nbformat import NotebookNode
from nbgrader.apps.api import NbGraderAPI
from nbgrader.apps.dbapp import DbAssignmentAddApp
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.server_extensions.formgrader.apihandlers import AssignmentHandler, GradeHandler
from tornado import web
from traitlets.config import Config

from ..notebooks import dates
from ..notebooks.head import show_deadline
from ..root import CourseError
from ..run.penalties import late_policy, renew

Method = Callable[..., Any]
INSTALLED = "of_the_course"     # the mark of what was replaced, so that a second course in a process replaces nothing twice


def install() -> None:
    """Have `nbgrader db assignment add` and formgrader read, show and store deadlines as `course due` does."""
    for owner, name, change in ((DbAssignmentAddApp, "start", checked), (NbGraderAPI, "__init__", in_zone),
                                (NbGraderAPI, "get_assignment", with_its_own_offset), (AssignmentHandler, "put", stored_in_zone),
                                (GradeHandler, "put", with_penalty)):
        upstream = getattr(owner, name)
        if not hasattr(upstream, INSTALLED):
            replaced = wraps(upstream)(change(upstream))
            setattr(replaced, INSTALLED, True)
            setattr(owner, name, replaced)


def read(text: str, config: Config) -> tuple[datetime, str]:
    """(the deadline as nbgrader keeps it, a line to say if it named no zone). Raises `CourseError`."""
    zone = dates.zone_of(config)
    moment = dates.read_moment(text, zone)
    return moment, f"{text!r} is {dates.shown_moment(moment, zone)}"


def checked(upstream: Method) -> Method:
    def start(self: DbAssignmentAddApp) -> Any:
        if not self.duedate:
            return upstream(self)
        try:
            moment, said = read(self.duedate, self.config)
        except CourseError as error:
            self.fail("%s", error)
        self.log.info("%s", said)
        self.duedate = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
        return upstream(self)
    return start


def in_zone(upstream: Method) -> Method:
    def __init__(self: NbGraderAPI, *arguments: Any, **options: Any) -> None:
        upstream(self, *arguments, **options)
        if not self.config.NbGraderAPI.get("timezone"):
            self.timezone = dates.zone_of(self.config if self.config.Course else self.coursedir.config).key
    return __init__


def with_its_own_offset(upstream: Method) -> Method:
    def get_assignment(self: NbGraderAPI, *arguments: Any, **options: Any) -> Any:
        found = upstream(self, *arguments, **options)
        if found and found.get("duedate_notimezone"):
            with self.gradebook as gradebook:
                there = dates.local(gradebook.find_assignment(found["name"]).duedate, ZoneInfo(self.timezone))
            found |= {"display_duedate": there.strftime(self.timestamp_format), "duedate_timezone": there.strftime("%z"),
                      "duedate_notimezone": there.replace(tzinfo=None).isoformat()}
        return found
    return get_assignment


def stored_in_zone(upstream: Method) -> Method:
    def put(self: AssignmentHandler, assignment_id: str) -> Any:
        body = self.get_json_body() or {}
        when = body.get("duedate_notimezone")
        if when:
            try:
                moment = from_dialog(when, (body.get("duedate_timezone") or "").strip(), self.api.get_assignment(assignment_id), self.coursedir.config)
            except CourseError as error:
                raise web.HTTPError(400, str(error)) from None
            self.request.body = json.dumps({**body, "duedate_notimezone": f"{moment:%Y-%m-%dT%H:%M:%S}",
                                            "duedate_timezone": "+0000"}).encode()
        return upstream(self, assignment_id)
    return put


def from_dialog(when: str, offset: str, shown: dict[str, Any] | None, config: Config) -> datetime:
    """The moment that formgrader's dialog sends: an offset that stands there still as it was `shown`, but is not the zone's on
    another day, was not meant."""
    zone = dates.zone_of(config)
    moment, _ = read(f"{when} {offset}".strip(), config)
    if offset and offset == (shown or {}).get("duedate_timezone") and dates.local(moment, zone).strftime("%z") != offset:
        moment, _ = read(when, config)
    return moment


def with_penalty(upstream: Method) -> Method:
    """A score that a person gives changes what a late submission costs."""
    def put(self: GradeHandler, grade_id: str) -> Any:
        answer = upstream(self, grade_id)
        renew(self.gradebook.find_grade_by_id(grade_id).notebook.assignment, late_policy(self.coursedir.config))
        self.gradebook.db.commit()
        return answer
    return put


class ShowDeadline(NbGraderPreprocessor):
    """A step of GenerateAssignment: students see in the notebook's head when it is due."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        about = resources.get("nbgrader")
        if about is None:       # without a gradebook, see `steps.released`
            return nb, resources
        with Gradebook(about["db_url"]) as gradebook:
            try:
                due = gradebook.find_assignment(about["assignment"]).duedate
            except MissingEntry:
                due = None
        return show_deadline(nb, dates.shown_moment(due, dates.zone_of(self.config)) if due else None), resources
