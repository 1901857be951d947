"""Formgrader's collect button says how many submissions wait in the exchange.

The page draws its rows by a script of its own, so the counts travel with the page and are put beside the button once it is
there; who collects takes them away.
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeCollect
from traitlets.config import Config

from ..notebooks import exchange

HANDLERS = "nbgrader.server_extensions.formgrader.handlers"
SCRIPT = """<script>
var waiting_in_exchange = %s;
document.addEventListener("DOMContentLoaded", function () {
    function show() {
        document.querySelectorAll("td.collect a").forEach(function (link) {
            var name = link.closest("tr").querySelector(".name").textContent.trim(), count = waiting_in_exchange[name];
            if (!count || link.querySelector(".badge")) { return; }
            var badge = document.createElement("span");
            badge.className = "badge";
            badge.textContent = count;
            link.title = count + (count === 1 ? " submission waits" : " submissions wait") + " in the exchange";
            link.append(" ", badge);
            link.addEventListener("click", function () { delete waiting_in_exchange[name]; }, true);
        });
    }
    new MutationObserver(show).observe(document.body, {childList: true, subtree: true});
    show();
});
</script>
"""


def install() -> None:
    """Have formgrader's list of assignments say it; of no use, and not done, where no formgrader is loaded."""
    if handlers := sys.modules.get(HANDLERS):
        handlers.ManageAssignmentsHandler.render = render


def render(handler: Any, name: str, **values: Any) -> str:
    html = super(type(handler), handler).render(name, **values)
    formgrader = handler.settings["nbgrader_formgrader"]
    return with_counts(html, counts(formgrader.coursedir, formgrader.config))


def counts(coursedir: CourseDirectory, config: Config) -> dict[str, int]:
    """{assignment: how many submissions the button would bring}, for those that have some."""
    collect = ExchangeCollect(coursedir=coursedir, config=config)
    inbound = Path(collect.root, coursedir.course_id, "inbound")
    found: dict[str, int] = {}
    for folder in sorted(Path(coursedir.root, coursedir.source_directory).glob("*/")):
        submitted = partial(in_submitted, coursedir, folder.name)
        number = len(exchange.waiting(inbound, folder.name, submitted, collect.check_owner))
        found |= {folder.name: number} if number else {}
    return found


def in_submitted(coursedir: CourseDirectory, assignment: str, student: str) -> str:
    folder: str = coursedir.format_path(coursedir.submitted_directory, student, assignment)
    return folder


def with_counts(html: str, found: dict[str, int]) -> str:
    """The page with the counts in it; a name of an assignment cannot end the script."""
    script = SCRIPT % json.dumps(found).replace("<", "\\u003c")
    return html.replace("</head>", script + "</head>", 1) if found else html
