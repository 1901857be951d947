"""One written question of a whole class on one page of formgrader, with its own data and its own login.

The page shows question and rubric beside every answer, in an order that says nothing of names; a score and a comment are saved
together, and only if nobody else has changed them since they were shown. What each grader gave is kept in `graders.json` of the
course: where two have read an answer, both see how far apart they are.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader import handlers
from nbgrader.server_extensions.formgrader.base import BaseApiHandler, BaseHandler, check_notebook_dir, check_xsrf
from tornado import web

from ..notebooks.answers import plain
from ..notebooks.cells import grade_id
from ..notebooks.mend import canon
from ..notebooks.names import upright
from ..notebooks.record import Record, written as in_words
from ..notebooks.writing import notebook_in, write_json
from ..pages.formulas import to_html
from ..pages.macros import Macros
from ..run.gradebook import submissions_of
from ..run.penalties import late_policy, renew

TEMPLATES = Path(__file__).resolve().parents[1] / "pages" / "templates" / "written"
GRADERS = "graders.json"
ADDRESS = r"/formgrader/written/([^/]+)/([^/]+)/([^/]+)/?"

Card = dict[str, Any]       # what the page's script reads of an answer, and what is shown of it


def install() -> None:
    """Add the page to formgrader, and links to it where one chooses a notebook to grade."""
    if not any(entry[0] == ADDRESS for entry in handlers.default_handlers):
        handlers.default_handlers.insert(0, (ADDRESS, WrittenHandler))
        handlers.default_handlers.insert(0, (r"/formgrader/api/written/?", SaveHandler))
        handlers.GradebookNotebooksHandler.render = with_links


def with_links(self: BaseHandler, name: str, **about: Any) -> str:
    """The page on an assignment's notebooks, which links to the questions of each."""
    page, assignment = BaseHandler.render(self, name, **about), about.get("assignment_id", "")
    found = questions(self.gradebook, assignment)
    links = [f'<li><a title="{escape(f"{notebook}, {cell}")}" '
             f'href="{escape(self.base_url)}/formgrader/written/{quote(assignment)}/{quote(notebook)}/{quote(cell)}">'
             f"All answers to the written question{f' {number}' if len(found) > 1 else ''} on one page</a></li>"
             for number, (notebook, cell) in enumerate(found, start=1)]
    return page.replace("</table>", f'</table><ul class="list-unstyled">{"".join(links)}</ul>', 1) if links else page


def questions(gradebook: Gradebook, assignment: str) -> list[tuple[str, str]]:
    """[(notebook, cell)] of what only a person grades."""
    try:
        row = gradebook.find_assignment(assignment)
    except MissingEntry:
        return []
    return [(notebook.name, cell.name) for notebook in row.notebooks for cell in [*notebook.task_cells, *notebook.grade_cells]
            if cell.cell_type == "markdown"]


# --- what is shown ------------------------------------------------------------------------------------------------

def cards(coursedir: CourseDirectory, gradebook: Gradebook, assignment: str, notebook: str, cell: str) -> list[Card]:
    """What the page needs of each answer, in an order that is none of the class's."""
    found, wanted = [], canon(gradebook.find_notebook(notebook, assignment))
    for submission in submissions_of(gradebook, gradebook.find_assignment(assignment)):
        part = next((part for part in submission.notebooks if part.name == notebook), None)
        path = Path(coursedir.format_path(coursedir.autograded_directory, submission.student_id, assignment), f"{notebook}.ipynb")
        nb = notebook_in(path) if part else None
        if part is None or nb is None:
            continue
        grade = next(grade for grade in part.grades if grade.name == cell)
        comment = next((one for one in part.comments if one.name == cell), None)
        found.append({"key": order_of(assignment, cell, submission.student_id), "grade": grade.id, "comment": comment.id if comment else None,
                      "score": grade.manual_score, "text": (comment.manual_comment if comment else None) or "",
                      "waiting": bool(grade.needs_manual_grade), "answer": answer(nb, cell, wanted),
                      "difference": difference(nb, cell) if grade.needs_manual_grade else ()})
    return sorted(found, key=lambda one: one["key"])


def difference(nb: NotebookNode, cell: str) -> tuple[str, ...]:
    """The lines in which an answer differs from the one that a person graded."""
    seen = Record.read(nb).changed.get(cell)
    return seen.difference if seen else ()


def order_of(assignment: str, cell: str, student: str) -> str:
    return hashlib.sha256(f"{assignment}/{cell}/{student}".encode()).hexdigest()


def answer(nb: NotebookNode, name: str, wanted: Mapping[str, Any]) -> str:
    """The cells of an answer as HTML: what stands behind the question, up to the next cell of the course. All of it has the macros,
    and the budget for formulas, of one page."""
    macros = Macros()
    places = [number for number, cell in enumerate(nb.cells) if grade_id(cell) == name]
    parts = [own_text(nb.cells[places[-1]], macros)] if places and not wanted[name]["metadata"]["task"] else []
    for cell in nb.cells[places[-1] + 1:] if places else ():
        if grade_id(cell) in wanted:
            break
        parts.append(as_html(cell, macros))
    return "".join(filter(None, parts)) or "<p><i>Nothing was written.</i></p>"


def own_text(cell: NotebookNode, macros: Macros) -> str:
    return to_html(cell.source, macros, cell.get("attachments"), below=3)


def as_html(cell: NotebookNode, macros: Macros) -> str:
    if cell.cell_type == "markdown":
        return own_text(cell, macros) if plain(cell.source) else ""
    parts = [f"<pre>{escape(upright(cell.source))}</pre>"] if cell.source.strip() else []
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "image/png" in data:
            parts.append(f'<img alt="A picture of the answer" src="data:image/png;base64,{escape("".join(data["image/png"]))}">')
        elif text := output.get("text") or data.get("text/plain"):
            parts.append(f"<pre class=\"output\">{escape(''.join(text))}</pre>")
    return "".join(parts)


def read_graders(root: str | Path) -> dict[str, dict[str, float]]:
    """{grade: {grader: score}}"""
    try:
        return json.loads(Path(root, GRADERS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def agreement(graders: Iterable[Mapping[str, float]], most: float) -> str:
    """A sentence on how far apart two graders of the same answer are."""
    pairs = [sorted(given.values()) for given in graders if len(given) > 1]
    if not pairs:
        return "No answer has been read by two graders yet."
    apart = [scores[-1] - scores[0] for scores in pairs]
    return (f"{len(pairs)} answer{' was' if len(pairs) == 1 else 's were'} read by more than one: the same score in {sum(not one for one in apart)}, "
            f"{in_words(sum(apart) / len(apart))} of {in_words(most)} points apart on average, {in_words(max(apart))} at most.")


class WrittenHandler(BaseHandler):
    """The page of one question."""

    @web.authenticated
    @check_xsrf
    @check_notebook_dir
    def get(self, assignment: str, notebook: str, cell: str) -> None:
        try:
            row = self.gradebook.find_notebook(notebook, assignment)
        except MissingEntry:
            raise web.HTTPError(404) from None
        known = {one.name: one for one in [*row.task_cells, *row.grade_cells] if one.cell_type == "markdown"}
        if cell not in known:
            raise web.HTTPError(404)
        self.gradebook.db.expire_all()
        found, graders = cards(self.coursedir, self.gradebook, assignment, notebook, cell), read_graders(self.coursedir.root)
        for one in found:
            one["graders"] = graders.get(one["grade"], {})
        _ = self.xsrf_token     # asking for it sets the cookie that saving needs: who comes from a bookmark may have none
        nonce, most = secrets.token_urlsafe(12), known[cell].max_score
        self.set_header("Content-Security-Policy", policy(nonce))
        self.write(page(self.base_url, (assignment, notebook, cell), canon(row)[cell]["source"], found, most, nonce))


def policy(nonce: str) -> str:
    """What the page may load: nothing, but for its own style and script, and pictures that are in it."""
    return (f"default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; frame-ancestors 'self'")


def page(base: str, names: tuple[str, str, str], question: str, found: list[Card], most: float, nonce: str) -> str:
    """The whole page as HTML."""
    text, _, rubric = question.partition("### BEGIN MARK SCHEME")
    facts = json.dumps({"save": f"{base}/formgrader/api/written", "most": most, "cards": [
        {key: one[key] for key in ("grade", "comment", "score", "text", "graders", "waiting")} for one in found]}).replace("<", "\\u003c")
    values = {"title": f"{names[2]} of {names[0]}", "back": f"{base}/formgrader/gradebook/{names[0]}", "nonce": nonce,
              "said": f"{len(found)} answers. {agreement([one['graders'] for one in found], most)}"}
    values = {key: escape(value) for key, value in values.items()}
    values |= {"question": to_html(text, Macros(), below=2), "rubric": to_html(rubric.partition("### END MARK SCHEME")[0], Macros(), below=2),
               "cards": "".join(card(number, one, most) for number, one in enumerate(found, start=1)), "facts": facts,
               "style": (TEMPLATES / "style.css").read_text(), "script": (TEMPLATES / "page.js").read_text()}
    # at once: what somebody wrote may hold such a word as well
    return re.sub("@([a-z]+)@", lambda found: values[found[1]], (TEMPLATES / "page.html").read_text())


def card(number: int, one: Card, most: float) -> str:
    state = "waits" if one["waiting"] else "graded"
    again = f'<details class="again" open><summary>{escape(before(one))}</summary><pre>{escape(upright(chr(10).join(one["difference"])))}</pre></details>' \
        if one["difference"] else ""
    return (f'<article class="{state}" id="answer-{number}"><h2>Answer {number} <small>{state}</small></h2><div class="answer">{one["answer"]}</div>{again}'
            f'<p class="mark"><label>Score <input class="score" inputmode="decimal" autocomplete="off" aria-label="Score of answer {number}"> of '
            f'{in_words(most)}</label> <span class="others"></span></p>'
            f'<p><label>Comment <textarea class="comment" rows="3" aria-label="Comment on answer {number}"></textarea></label></p>'
            '<p class="news" role="status"></p></article>')


def before(one: Card) -> str:
    """What is said of an answer that a person had read before it was changed."""
    if one["score"] is None:
        return "It was read, and changed since."
    return f"It was graded with {in_words(one['score'])}, and changed since. Enter in the score field confirms the score."


# --- what is saved ------------------------------------------------------------------------------------------------

class SaveHandler(BaseApiHandler):
    """Save a score and a comment together; 409 with what is there if another grader was faster."""

    @web.authenticated
    @check_notebook_dir
    def post(self) -> None:
        try:
            status, answer = save(self.coursedir, self.gradebook, self.get_json_body() or {})
        except (MissingEntry, KeyError):
            raise web.HTTPError(404) from None
        self.set_status(status)
        self.finish(json.dumps(answer))


def save(coursedir: CourseDirectory, gradebook: Gradebook, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """(HTTP status, what is there now): nothing is written where somebody else has changed what the page had shown."""
    grade = gradebook.find_grade_by_id(body["grade"])
    comment = gradebook.find_comment_by_id(body["comment"]) if body.get("comment") else None
    for row in filter(None, (grade, comment)):
        gradebook.db.refresh(row)
    there = {"score": grade.manual_score, "text": (comment.manual_comment if comment else None) or ""}
    if there != {"score": body.get("seen_score"), "text": body.get("seen_text") or ""}:
        return 409, there | {"waiting": bool(grade.needs_manual_grade)}
    score = body.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= grade.max_score):
        return 400, {"message": "A score is a number from 0 to what there is; more is extra credit, on formgrader's own page."}
    grade.manual_score = score
    grade.needs_manual_grade = score is None and grade.auto_score is None
    if comment is not None:
        comment.manual_comment = body.get("text") or None
    gradebook.db.flush()
    renew(grade.notebook.assignment, late_policy(coursedir.config))
    gradebook.db.commit()
    graders = note_grader(coursedir.root, grade.id, str(body.get("grader") or "")[:40].strip() or "somebody", score)
    return 200, {"score": score, "text": body.get("text") or "", "graders": graders, "waiting": grade.needs_manual_grade}


def note_grader(root: str | Path, grade: str, grader: str, score: float | None) -> dict[str, float]:
    """Keep what a grader gave; {grader: score} of this answer."""
    known = read_graders(root)
    mine = known.setdefault(grade, {})
    if score is None:
        mine.pop(grader, None)
    else:
        mine[grader] = score
    write_json(Path(root, GRADERS), known)
    return mine
