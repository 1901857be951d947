"""A page of JupyterHub on which students see their own submissions, and staff all: a service beside `course watch`.

    python -m grading.watch.hub --course FOLDER [--staff NAME ...]

The hub says who asks; a student gets rows of their own name and nothing else, whatever the address says. It reads the log
and the pages in the exchange, and writes nothing.
"""

import argparse
import json
import os
import secrets
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote, urlparse

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado import ioloop, web

from ..notebooks.names import printable
from ..notebooks.record import written
from ..pages.html import STYLE
from ..plugins.placing import Final, final_of, is_preview
from ..plugins.release_feedback import notebooks_in
from ..root import CourseError
from ..run.course import Course
from .exchange import Exchange
from .inbox import Refused
from .log import Log, Row, State, clock, reading
from .settings import Watch

SCRIPT = """
const rows = document.getElementById('rows'), said = document.getElementById('said');
let before = null;
async function look() {
  let next = 8000;
  try {
    const answer = await (await fetch('rows', {credentials: 'same-origin', headers: {'X-XSRFToken': rows.dataset.token}})).json();
    if (answer.html !== before) { rows.innerHTML = answer.html; if (before !== null) said.textContent = answer.said; before = answer.html; }
    if (answer.busy) next = 2000;
  } catch (error) { said.textContent = 'The server did not answer; trying again. If that lasts, reload the page.'; }
  setTimeout(look, next);
}
look();
"""
MOST_ROWS = 200     # of the class or of one student, the newest
NARROW = """
@media (max-width: 40rem) {
  table, caption, tbody, tr, td { display: block; } thead { display: none; }
  tr { border: 1px solid var(--line); margin: .7rem 0; } td { border: 0; } td::before { content: attr(data-name) ": "; color: var(--quiet); }
}
"""         # on a telephone each submission is a block of lines, and still a row for who listens
WORDS = {State.WAITING: "waiting", State.WORKING: "at work", State.ANSWERED: "answered", State.STANDS: "handed in; stands",
         State.SUPERSEDED: "replaced by a newer one", State.REFUSED: "could not be read", State.FAILED: "our fault: tried again"}


class Rows:
    """What the page shows to one person."""

    def __init__(self, place: Exchange, settings: Watch, log: Log, user: str, staff: bool) -> None:
        self.place, self.settings, self.log, self.user, self.staff = place, settings, log, user, staff
        self.rows = log.rows(student=None if staff else user)[-MOST_ROWS:]
        queue = log.rows(State.WAITING, State.WORKING)
        self.queue, self.oldest, self.now = [row.name for row in queue], queue[0].first_seen if queue else None, time.time()

    def html(self) -> str:
        if not self.rows:
            return self.health() + "<p>Nothing of yours has been seen yet.</p>"
        head = [*(["student"] if self.staff else []), "assignment", "handed in", "state", "points", "page"]
        top = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in head)
        body = "".join(f"<tr role=\"row\">{self.line(head, row)}</tr>" for row in reversed(self.rows))
        return (f"{self.health()}{self.summary()}<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"Submissions\">"
                f"<table role=\"table\"><caption>{self.caption()}</caption>"
                f"<thead role=\"rowgroup\"><tr role=\"row\">{top}</tr></thead><tbody role=\"rowgroup\">{body}</tbody></table></div>")

    def caption(self) -> str:
        return "Submissions, the newest first" + (f"; only the last {MOST_ROWS}" if len(self.rows) == MOST_ROWS else "")

    def line(self, head: list[str], row: Row) -> str:
        return "".join(f'<td role="cell" data-name="{name}">{cell}</td>' for name, cell in zip(head, self.cells(row)))

    def cells(self, row: Row) -> Iterator[str]:
        if self.staff:
            yield escape(row.student)
        yield escape(row.assignment)
        yield clock(row.first_seen)
        yield self.state(row)
        yield f"{written(row.points)} of {written(row.most)}" if row.points is not None and row.most is not None else "–"
        yield " ".join(f'<a href="page/{quote(row.name, safe="")}/{quote(name, safe="")}">{escape(printable(name))}</a>' for name in self.pages(row)) or "–"

    def state(self, row: Row) -> str:
        if row.name in self.queue:
            return f"{WORDS[row.state]}, place {self.queue.index(row.name) + 1} of {len(self.queue)}"
        more = f"; the next answer is due {clock(row.due)}" if row.state is State.STANDS and row.due < 1e12 else ""
        return escape(WORDS[row.state] + more + (f" ({row.note})" if row.note and (self.staff or row.state is State.REFUSED) else ""))

    def health(self) -> str:
        """Whether anybody answers; for staff also how long the queue is and since when somebody waits in it."""
        away = self.log.away_since(self.now)
        lines = [] if away is None else [f"<b>Nobody has answered since {clock(away)}.</b> " + (
            "Start course watch again: it goes on where it stopped." if self.staff else "What you hand in stands, and is graded with all others.")]
        if self.staff:
            failed = sum(row.state is State.FAILED for row in self.rows)
            since = f", the oldest since {clock(self.oldest)}" if self.oldest is not None else ""
            lines.append(f"{len(self.queue)} wait or are at work{since}; {failed} failed for reasons of ours.")
        return "".join(f"<p>{line}</p>" for line in lines)

    def summary(self) -> str:
        """Of each assignment the final grade, the best so far and the attempts left; staff have the rows of all."""
        if self.staff:
            return ""
        lines = []
        for assignment in sorted({row.assignment for row in self.rows}):
            policy, points = self.settings.policy(self.user), [row.points for row in self.rows if row.assignment == assignment and row.points is not None]
            left = policy.left(self.log.answered(self.user, assignment, self.now - policy.hours * 3600), self.now)
            best = f"best so far {written(max(points))}; " if points else ""
            hours = "today" if policy.hours == 24 else f"within {policy.hours:g} hours"
            lines.append(f"<li><b>{escape(assignment)}</b>: {self.final(assignment)}{best}{left} answers left {hours}</li>")
        return f"<ul>{''.join(lines)}</ul>"

    def final(self, assignment: str) -> str:
        """The grade of the newest submission whose feedback was released: as its pages say it, and not the gradebook, which may be ahead."""
        for row in reversed(self.rows):
            pages = [self.place.page_of(row.name, name) for name in self.pages(row)] if row.assignment == assignment else []
            if pages and not any(map(is_preview, pages)):
                said = [final_of(page) for page in pages]
                return in_words([one for one in said if one]) if all(said) else "the final feedback is there; "
        return ""

    def pages(self, row: Row) -> list[str]:
        """The notebooks of a submission for which there is a page."""
        try:
            return [name for name in notebooks_in(self.place.folder(row.name)) if self.place.page_of(row.name, name).is_file()]
        except (Refused, OSError):
            return []

    def said(self) -> str:
        """What a screen reader announces when something changed."""
        newest = max((row for row in self.rows if row.state is State.ANSWERED), key=lambda row: row.since, default=None)
        return f"{newest.assignment}: {written(newest.points or 0)} of {written(newest.most or 0)} points." if newest else "Your submission is in the queue."


def in_words(finals: list[Final]) -> str:
    points, most = (written(sum(getattr(one, name) for one in finals)) for name in ("points", "most"))
    return f"final grade {points} of {most}{', and a person has yet to read part of it' if any(one.open for one in finals) else ''}; "


class Handler(HubOAuthenticated, web.RequestHandler):
    """What all addresses of the service have in common."""

    def initialize(self, course: Course, settings: Watch, place: Exchange, staff: frozenset[str]) -> None:
        self.course, self.policies, self.place, self.staff = course, settings, place, staff

    def who(self) -> tuple[str, bool]:
        name = self.current_user["name"]
        return name, name in self.staff or bool(self.current_user.get("admin"))


class Page(Handler):
    """The page itself; its rows come by themselves."""

    @web.authenticated
    def get(self) -> None:
        nonce, (name, staff) = secrets.token_urlsafe(16), self.who()
        token = escape(self.xsrf_token if isinstance(self.xsrf_token, str) else self.xsrf_token.decode())     # the hub wants it with each cookie
        self.set_header("Content-Security-Policy", f"default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'")
        title = "Submissions of the class" if staff else "Your submissions"
        self.finish(f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
                    f"<title>{title}</title><style>{STYLE}{NARROW}</style></head><body><main><h1>{title}</h1><p>{escape(name)}</p>"
                    f'<p id="said" role="status" aria-live="polite"></p><div id="rows" data-token="{token}"></div></main><script nonce="{nonce}">{SCRIPT}</script></body></html>')


class RowsOfUser(Handler):
    """The rows, as the page asks for them."""

    @web.authenticated
    def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        try:
            with reading(self.course.dir.root) as log:
                rows = Rows(self.place, self.policies, log, *self.who()) if log else None
                self.finish(json.dumps({"html": rows.html() if rows else "<p>Nobody has been watching yet.</p>", "said": rows.said() if rows else "",
                                        "busy": rows is not None and any(row.name in rows.queue for row in rows.rows)}))
        except CourseError as error:
            said = str(error) if self.who()[1] else "What was handed in cannot be looked up now. It is not lost."
            self.finish(json.dumps({"html": f"<p>{escape(said)}</p>", "said": "", "busy": False}))


class Feedback(Handler):
    """A page of feedback, for whoever handed in and for staff."""

    @web.authenticated
    def get(self, submission: str, notebook: str) -> None:
        name, staff = self.who()
        try:
            with reading(self.course.dir.root) as log:
                row = log.row(submission) if log else None
        except CourseError:
            raise web.HTTPError(503) from None
        if row is None or not (staff or row.student == name) or notebook not in notebooks_in(self.place.folder(submission)):
            raise web.HTTPError(404)
        try:
            content = self.place.page_of(submission, notebook).read_bytes()
        except (Refused, OSError):
            raise web.HTTPError(404) from None
        self.set_header("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox")
        self.finish(content)


def application(course: Course, prefix: str, staff: frozenset[str]) -> web.Application:
    settings = Watch(config=course.config)
    about = {"course": course, "settings": settings, "place": Exchange(course, settings.own, settings.quiet_seconds), "staff": staff}
    return web.Application([(f"{prefix}", Page, about), (f"{prefix}rows", RowsOfUser, about),
                            (f"{prefix}page/([^/]+)/([^/]+)", Feedback, about),
                            (f"{prefix}oauth_callback", HubOAuthCallbackHandler)], cookie_secret=secrets.token_bytes(32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--course", type=Path, required=True)
    parser.add_argument("--staff", nargs="*", default=[])
    chosen = parser.parse_args()
    address = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    application(Course(chosen.course), os.environ["JUPYTERHUB_SERVICE_PREFIX"], frozenset(chosen.staff)).listen(
        address.port or 80, address.hostname)
    ioloop.IOLoop.current().start()


if __name__ == "__main__":
    main()
