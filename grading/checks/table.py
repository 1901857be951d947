"""What a student reads: one table per exercise, as HTML and as plain text, with the same words in both.

A table never shows a hidden input, an expected value, a path or a stack of ours. What the student's own code said passes
the gate of the notebook (`gate.Gate`), because it may be made of hidden inputs.
"""

from html import escape

from ..notebooks.outputs import inert
from ..notebooks.record import written
from .verdict import FAILED, NOT_RUN, PASSED

SIGNS = {PASSED: "✓ passed", FAILED: "✗ failed", NOT_RUN: "– not run"}
COLOURS = {PASSED: "#00563f", FAILED: "#8b1a00", NOT_RUN: "#444444"}


def rows(verdict, gate):
    """(outcome, mark, title, [lines of explanation]) for each check; one explanation for what fails alike.

    The mark is * for a core check and + for one without which only a part of the points can be earned.
    """
    named = set()       # what was said once is not said again
    for one in verdict.checks:
        lines, mark = [], "*" if one.core else "+" if one.most < 1 else ""
        if one.outcome != PASSED:
            said = gate.error_line(one.error, verdict.exercise) if one.error else one.said
            if said in named and (one.error or not one.hint or one.outcome == NOT_RUN):
                yield one.outcome, mark, one.title, []
                continue
            named.add(said)
            lines += [said] if one.hint or not one.error else [one.said, said]      # why there is no function at all
            known = one.misconception
            if known and known.name not in named:
                named.add(known.name)
                lines.append(f"This looks like a known mistake — {known.name}: {known.says}")
            elif one.outcome == FAILED and not known and one.hint:
                lines.append(f"Hint: {one.hint}")
        yield one.outcome, mark, one.title, [line for line in lines if line]


def summary(verdict):
    """One sentence on the exercise that is true whatever happened."""
    count = {outcome: sum(c.outcome == outcome for c in verdict.checks) for outcome in SIGNS}
    if count[PASSED] == len(verdict.checks):
        return f"All {count[PASSED]} checks passed. Well done!"
    parts = [f"{count[PASSED]} of {len(verdict.checks)} checks passed"]
    if count[NOT_RUN]:
        parts.append(f"{count[NOT_RUN]} could not be run")
    if any(c.core and c.outcome != PASSED for c in verdict.checks):
        parts.append("the other checks count once every core check (marked *) passes")
    elif verdict.fraction:
        parts.append("the core of it is right")
        most = min(c.most for c in verdict.checks if c.outcome != PASSED)
        if most < 1:
            parts.append(f"it earns at most {most:.0%} until every check marked + passes")
    return "; ".join(parts) + "."


def notes(verdict, note):
    said = [note] if note else []
    if verdict.place:
        said.append(verdict.place)
    if verdict.definitions > 1:
        said.append(f"The notebook defines {verdict.exercise} {verdict.definitions} times; the best definition counts.")
    if verdict.warnings:
        said.append("Floating-point warnings during the calls: " + ", ".join(verdict.warnings) + ".")
    return said


def as_text(verdict, points, max_points, gate, note=""):
    """The table as plain text."""
    out = [f"{verdict.exercise}: {written(points)} of {written(max_points)} points. {summary(verdict)}"]
    for outcome, mark, title, lines in rows(verdict, gate):
        out.append(f"  {SIGNS[outcome]:<10}{mark or ' '} {title}")
        out += [f"               {line}" for line in lines]
    return "\n".join(out + notes(verdict, note))


def as_html(verdict, points, max_points, gate, note=""):
    """The table as HTML without style sheet, script or anything from elsewhere."""
    body = []
    for outcome, mark, title, lines in rows(verdict, gate):
        more = "".join(f"<br><small>{inert(escape(line))}</small>" for line in lines)
        body.append(f'<tr><td style="white-space:nowrap;padding-right:1em;color:{COLOURS[outcome]}">{SIGNS[outcome]}</td>'
                    f'<td style="text-align:left">{escape(title)}{" " + mark if mark else ""}{more}</td></tr>')
    extra = "".join(f"<p>{inert(escape(line))}</p>" for line in notes(verdict, note))
    return (f'<table><caption style="text-align:left"><b>{escape(verdict.exercise)}: {written(points)} of {written(max_points)} points.'
            f'</b> {escape(summary(verdict))}</caption><thead><tr><th scope="col">Result</th>'
            f'<th scope="col" style="text-align:left">Check: {escape(verdict.exercise)} …</th></tr></thead>'
            f'<tbody>{"".join(body)}</tbody></table>{extra}')
