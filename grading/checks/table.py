"""What a student reads: one table per exercise, as HTML and as plain text, with the same words in both.

A table never shows a hidden input, an expected value, a path or a stack of ours. What the student's own code said passes
the gate of the notebook (`gate.Gate`), because it may be made of hidden inputs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from textwrap import wrap

from ..notebooks.outputs import inert
from ..notebooks.record import Outcome, written
from .compare import NO_RETURN
from .gate import Gate
from .verdict import FAILED, NOT_RUN, PASSED, RAISED, CheckResult, Verdict

SIGNS = {PASSED: "✓ passed", FAILED: "✗ failed", NOT_RUN: "– not run"}
WIDTH = 80      # of the plain text, in columns
NAMED = "This looks like a known mistake"
FAILED_ROW = re.compile(r'<tr data-outcome="(?:failed|not run)">.*?<td style="text-align:left">(.*?)</td></tr>')


@dataclass(frozen=True)
class Row:
    """One check as it is shown. `worth` is what it adds to the points; `mark` is * for a core check and + for one without
    which only a part of the points can be earned."""

    outcome: Outcome
    worth: str
    mark: str
    title: str
    lines: tuple[str, ...] = ()


def rows(verdict: Verdict, max_points: float, gate: Gate) -> Iterator[Row]:
    """A `Row` for each check, or none at all where nothing was handed in. What was said once is not said again.

    While a core check does not pass, its hint is the only one. An error behind every check, or a missing `return`, gets
    none: hints speak of what single checks ask.
    """
    if verdict.blank:
        return
    failed = verdict.those(FAILED)
    only = next((check for check in failed if check.core), *failed[:1]) if verdict.core_failed and failed else None
    causes = [cause(check, verdict, gate) for check in verdict.checks]
    # several checks, and the same behind all of them
    alone = len(causes) > 1 and len({tuple(lines) for check, lines in zip(verdict.checks, causes) if check.outcome == FAILED}) == 1 \
        and all(check.outcome != PASSED for check in verdict.checks)
    said: dict[str, int] = {}
    for number, (one, worth, lines) in enumerate(zip(verdict.checks, worths(verdict, max_points), causes), start=1):
        hint = "" if only not in (None, one) or NO_RETURN in one.said or (alone and one.error) else one.hint
        if lines and lines[0] in said and one.outcome == FAILED and not alone:
            lines.insert(0, f"the same as at check {said[lines[0]]}")
        known = one.misconception
        if known:
            lines.append(f"{NAMED} — {known.name}: {known.says}")
        elif one.outcome == FAILED and hint:
            lines.append(f"Hint: {hint}")
        new = tuple(line for line in lines if said.setdefault(line, number) == number)
        yield Row(one.outcome, worth, mark(one), f"not yet: {one.title}" if one.outcome == FAILED else one.title, new)


def mark(check: CheckResult) -> str:
    return "*" if check.core else "+" if check.most < 1 else ""


def cause(check: CheckResult, verdict: Verdict, gate: Gate) -> list[str]:
    """What to say on why a check did not pass: what came back, or the student's own error."""
    lines = [check.said] if not check.error or check.said != RAISED else []     # else why there is no function, or what was due
    if gate.terse and verdict.definitions:
        lines = []
    lines += [gate.error_line(check.error, verdict.exercise)] if check.error else []
    return [line for line in lines if line]


def worths(verdict: Verdict, max_points: float) -> list[str]:
    """What each check adds, in words. The numbers of those that passed sum up to their points: cents are handed on."""
    total = sum(check.weight for check in verdict.checks)
    words, before = {}, 0
    for check in sorted(verdict.checks, key=lambda check: check.outcome != PASSED):
        after = before + check.weight
        share = round(max_points * after / total, 2) - round(max_points * before / total, 2) if total else 0.0
        counts = check.outcome == PASSED and not verdict.core_failed
        words[id(check)], before = f"+{written(share)}" if counts else f"0 of {written(share)}", after
    return [words[id(check)] for check in verdict.checks]


def summary(verdict: Verdict, max_points: float | None = None) -> str:
    """One sentence on the exercise that is true whatever happened; with `max_points` it explains the points."""
    if verdict.blank:
        return "Not handed in: NotImplementedError still stands where the answer is due."
    count = {outcome: sum(c.outcome == outcome for c in verdict.checks) for outcome in SIGNS}
    if count[PASSED] == len(verdict.checks):
        return f"All {count[PASSED]} checks passed."
    parts = [f"{count[PASSED]} of {len(verdict.checks)} checks passed"]
    if count[NOT_RUN]:
        parts.append(f"{count[NOT_RUN]} could not be run")
    if verdict.core_failed:
        parts.append("the other checks count once every core check (marked *) passes")
    elif verdict.fraction:
        parts.append("the core of it is right")
        most = min(c.most for c in verdict.checks if c.outcome != PASSED)
        if most < 1:
            worth = f": {written(most * max_points)} points" if max_points else ""
            parts.append(f"it earns at most {most:.0%} until every check marked + passes{worth}")
    return "; ".join(parts) + "."


def notes(verdict: Verdict, note: str, terse: bool) -> list[str]:
    said = [note] if note else []
    if verdict.place:
        said.append(verdict.place)
    if verdict.definitions > 1:
        said.append(f"The notebook defines {verdict.exercise} {verdict.definitions} times; the best definition counts.")
    if verdict.warnings and not terse:
        said.append("Floating-point warnings during the calls: " + ", ".join(verdict.warnings) + ".")
    return said


def as_text(verdict: Verdict, points: float, max_points: float, gate: Gate, note: str = "") -> str:
    """The table as plain text of at most `WIDTH` columns."""
    out = filled(f"{verdict.exercise}: {written(points)} of {written(max_points)} points. {summary(verdict, max_points)}")
    for row in rows(verdict, max_points, gate):
        out += filled(f"  {SIGNS[row.outcome]} {row.worth:>9} {row.mark or ' '} {row.title}", " " * 24)
        for line in row.lines:
            out += filled(" " * 6 + line, " " * 6)
    for line in notes(verdict, note, gate.terse):
        out += filled(line)
    return "\n".join(out)


def filled(line: str, indent: str = "") -> list[str]:
    return wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def as_html(verdict: Verdict, points: float, max_points: float, gate: Gate, note: str = "") -> str:
    """The table as HTML without style sheet, script or anything from elsewhere; its colours are the page's."""
    head = (f"<b>{escape(verdict.exercise)}: {written(points)} of {written(max_points)} points.</b> "
            f"{escape(summary(verdict, max_points))}")
    extra = "".join(f"<p>{inert(escape(line))}</p>" for line in notes(verdict, note, gate.terse))
    body = "".join(as_row(row) for row in rows(verdict, max_points, gate))
    if not body:
        return f"<p>{head}</p>{extra}"
    return (f'<table><caption style="text-align:left">{head}</caption><thead><tr><th scope="col">Result</th>'
            f'<th scope="col">Points</th><th scope="col" style="text-align:left">Check: {escape(verdict.exercise)} …</th></tr>'
            f'</thead><tbody>{body}</tbody></table>{extra}')


def failures(html: str) -> list[tuple[str, list[str]]]:
    """(title, what is said) of the checks that did not pass, out of a table that `as_html` made."""
    found = []
    for cell in FAILED_ROW.findall(html):
        title, *lines = (plain(part) for part in cell.replace("</small>", "").split("<br><small>"))
        found.append((re.sub(r"^not yet: | [*+]$", "", title), lines))
    return found


def plain(html: str) -> str:
    return unescape(re.sub(r"</?span>", "", html))


def as_row(row: Row) -> str:
    more = "".join(f"<br><small>{inert(escape(line))}</small>" for line in row.lines)
    return (f'<tr data-outcome="{row.outcome}"><td style="white-space:nowrap">{SIGNS[row.outcome]}</td>'
            f'<td style="white-space:nowrap">{row.worth}</td>'
            f'<td style="text-align:left">{escape(row.title)}{" " + row.mark if row.mark else ""}{more}</td></tr>\n')
