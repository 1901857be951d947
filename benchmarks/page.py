"""The results of `benchmarks.run` as Markdown tables and a picture for docs/performance.md."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

from grading.border.limits import Limits

from .exchange import times_stock
from .run import DASK, FLOOR, ONE, OTTER, STOCK, TWO, soak

DOCS = Path(__file__).resolve().parents[1] / "docs"
MARK = "<!-- {name}: {place} -->"
ORDER = (STOCK, OTTER, ONE, TWO, DASK, FLOOR)
COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#999999")


def tables(results):
    """{what it is about: Markdown} of all that was measured; each has its own place in docs/performance.md."""
    made = {"figures": "cores" in results and comparisons(results), "exchanges": exchanges(results), "watching": answers_at_once(results),
            "assignments": "assignments" in results and of_each(results["assignments"]),
            "answers": "answers" in results and of_answers(results["answers"])}
    return {name: f"{measured(results)}\n\n{text}" for name, text in made.items() if text}


def measured(results):
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    said = f"Measured on {results['date']} on a {results['machine']}; Python {results['python']}, {versions}."
    if results["quick"]:
        said += "\n\n**A quick run on a handful of submissions: it shows that the benchmark works, no more.**"
    return said


def of_answers(answers):
    return "\n\n".join(["### The slowest right answers", slowest(answers["right"]), "### What names for mistakes cost",
                        named(answers["names"])])


def comparisons(results):
    """Everything about the class of ps1 that all graders grade."""
    parts = ["### A class without slow, looping or crashing submissions", comparison(results["calm"])]
    if "wild" in results:
        parts += ["### The same with them: one in nine is slow, loops without end or kills its kernel",
                  comparison(results["wild"])]
    parts += ["### Where the CPU time of a submission goes", where(results["phases"], results["calm"]),
              "### Growth", grown(results["growth"]), "### A second process", two_cores(results["cores"]),
              "### Soak", soaked(soak(results["growth"]))]
    return "\n\n".join(parts)


def exchanges(results):
    """What goes beyond one grading run, where it was measured, each with how busy the machine was."""
    parts = []
    if "loop" in results:
        parts += ["### The whole loop: collect, grade, feedback, release", looped(results["loop"], results.get("pages")), busy(results, "loop")]
    if "staff" in results:
        parts += ["### What staff look at, as the class grows", for_staff(results["staff"]), busy(results, "staff")]
    return "\n\n".join(parts)


def answers_at_once(results):
    stages = [(name, said) for name, said in (("watch", watched), ("burst", hurried), ("clicks", clicked)) if name in results]
    parts = [part for name, said in stages for part in (said(results[name]), busy(results, name))]
    return "\n\n".join(["### Answers at once, under load", *parts]) if parts else ""


def busy(results, stage):
    before, after = results["load"][stage]
    return f"The load average was {before:.1f} before this and {after:.1f} after it; of a quiet machine it is 0 before."


def looped(loop, pages):
    lines = ["| | submissions | submissions/s | x stock | time, and of each round | CPU s each | peak memory |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, one in [("nbgrader's four commands", loop["stock"]), *(("course return", one) for one in loop["sizes"])]:
        lines.append(f"| {name} | {one['submissions']} | {one['submissions'] / one['wall']:.2f} | {times_stock(loop, one):.1f} | {one['wall']:.0f} s ({', '.join(f'{wall:.0f}' for wall in one['walls'])}) | "
                     f"{one['cpu'] / one['submissions']:.3f} | {one['peak'] / 2**20:.0f} MiB |")
    lines.append(f"\nThe median of {len(loop['stock']['walls'])} rounds, in which stock nbgrader and each class take turns.")
    if pages:
        lines.append(f"\nThe pages of one student take {pages['cpu_ms']:.1f} ms of CPU time, made for {pages['submissions']} by one process.")
    return "\n".join(lines)


def for_staff(staff):
    lines = ["| submissions | course status | peak memory | course report | peak memory | course similar | peak memory |", "| --- |" + " --- |" * 6]
    for one in staff["sizes"]:
        lines.append(f"| {one['submissions']} | " + " | ".join(f"{one[name]['wall']:.1f} s ({one[name]['cpu']:.1f} s of CPU time) | {one[name]['peak'] / 2**20:.0f} MiB"
                                                             for name in ("status", "report", "similar") if name in one) + " |")
    return "\n".join(lines)


def watched(watch):
    return (f"{watch['students']} students handed in {watch['submissions']} times within {watch['seconds']:.0f} s, one in nine slow, looping or "
            f"ending its kernel; {watch['answered']} were answered, and {watch['superseded']} were replaced by a newer one of the same student before "
            f"their turn. From the exchange's last act to the page, calm notebooks ({watch['calm']}): "
            f"p50 {watch['p50']:.2f} s, p95 {watch['p95']:.2f} s, at most {watch['max']:.1f} s. Memory of all processes together: "
            f"{watch['memory_first'] / 2**20:.0f} MiB at first, {watch['memory_last'] / 2**20:.0f} MiB at the end.")


def hurried(burst):
    return (f"{burst['submissions']} students handed in within {burst['seconds']} s: {burst['answered']} answers, p50 {burst['p50']:.2f} s, "
            f"p95 {burst['p95']:.2f} s, at most {burst['max']:.2f} s.")


def clicked(clicks):
    return (f"From the click on Submit in JupyterLab's Assignment List to the answer in the student's folder, {clicks['clicks']} times one after the "
            f"other, with JupyterLab and Chromium on the same machine: p50 {clicks['p50']:.2f} s, p95 {clicks['p95']:.2f} s, at most {clicks['max']:.2f} s.")


def comparison(found):
    lines = ["| grader | submissions x rounds | notebooks/s | x stock | CPU s each | of stock's CPU | of the floor's CPU "
             "| peak memory |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    stock, floor = found[STOCK], found[FLOOR]
    for name in ORDER:
        if name not in found:
            continue
        one = found[name]
        lines.append(f"| {name} | {one['submissions']} x {one['rounds']} | {one['per_second']:.2f} | "
                     f"{one['per_second'] / stock['per_second']:.1f} | {one['cpu']:.3f} | {one['cpu'] / stock['cpu']:.1%} | "
                     f"{one['cpu'] / floor['cpu']:.1f} x | {one['peak'] / 2**20:.0f} MiB |")
    return "\n".join(lines)


def of_each(found):
    lines = ["| assignment | submissions x rounds | notebooks/s | stock's | x stock | CPU s each | of ps1's | of stock's |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for assignment, graders in found.items():
        ours, stock = graders[TWO], graders[STOCK]
        lines.append(f"| {assignment} | {ours['submissions']} x {ours['rounds']} | {ours['per_second']:.2f} | {stock['per_second']:.2f} | "
                     f"{ours['per_second'] / stock['per_second']:.1f} | {ours['cpu']:.3f} | {ours['cpu'] / found['ps1'][TWO]['cpu']:.2f} x | "
                     f"{ours['cpu'] / stock['cpu']:.1%} |")
    return "\n".join(lines)


def slowest(right):
    lines = ["| exercise | slowest right answer | in the check that it | CPU ms | of the time limit |", "| --- | --- | --- | --- | --- |"]
    for exercise, one in right.items():
        lines.append(f"| `{exercise}` | {one['style']} | {one['check']} | {1000 * one['cpu']:.1f} | {one['cpu'] / Limits.call_seconds:.2%} |")
    return "\n".join(lines)


def named(notebooks):
    lines = ["| notebook | known mistakes | named | by another's name | CPU ms to judge one | of it for the name |", "| --- | --- | --- | --- | --- | --- |"]
    for notebook, one in notebooks.items():
        lines.append(f"| `{notebook}` | {one['answers']} | {one['named']} | {one['misnamed']} | {1000 * one['with']:.1f} | "
                     f"{1000 * (one['with'] - one['without']):.1f} |")
    return "\n".join(lines)


def where(phases, calm):
    total = sum(phases.values())
    lines = ["| phase | CPU ms | share | of stock's whole |", "| --- | --- | --- | --- |"]
    for name, seconds in sorted(phases.items(), key=lambda pair: -pair[1]):
        lines.append(f"| {name} | {1000 * seconds:.0f} | {seconds / total:.0%} | {seconds / calm[STOCK]['cpu']:.1%} |")
    lines.append(f"| all | {1000 * total:.0f} | 100% | {total / calm[STOCK]['cpu']:.1%} |")
    return "\n".join(lines)


def grown(growth):
    first = growth["sizes"][0]
    lines = ["| submissions | notebooks/s | x stock | time | time, of the first | CPU s each | peak memory |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for one in growth["sizes"]:
        lines.append(f"| {one['submissions']} | {one['submissions'] / one['wall']:.2f} | "
                     f"{one['submissions'] / one['wall'] / growth['stock']:.1f} | {one['wall']:.0f} s | "
                     f"{one['wall'] / first['wall']:.1f} x | {one['cpu'] / one['submissions']:.3f} | "
                     f"{one['peak'] / 2**20:.0f} MiB |")
    return "\n".join(lines)


def two_cores(cores):
    return (f"Of a class of {cores['submissions']} two processes grade {cores['grading']:.2f} times as many notebooks a second "
            f"as one (rounds: {cores['rounds']}). Two processes that do nothing but count do "
            f"{cores['loops']:.2f} times the work of one on this machine.")


def soaked(soak):
    files = ", ".join(soak["files_left"]) or "no file"
    return (f"{soak['graded']} of {soak['submissions']} submissions were graded. All processes together held "
            f"{soak['early'] / 2**20:.0f} MiB early in the run and {soak['late'] / 2**20:.0f} MiB late in it "
            f"({soak['late'] / soak['early'] - 1:+.1%}). When the command had ended, {files} was left in its folder for "
            f"temporary files, sockets included, and the last process was gone "
            f"{soak['seconds_until_no_process_was_left']:.1f} s later.")


def picture(results, path):
    """Throughput of each grader, and the phases of a submission."""
    plt.rcParams["svg.hashsalt"] = "performance"
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    calm = results["calm"]
    names = [name for name in ORDER if name in calm]
    speeds = [calm[name]["per_second"] / calm[STOCK]["per_second"] for name in names]
    bars = left.barh(names[::-1], speeds[::-1], color="#0072B2")
    left.bar_label(bars, fmt="%.1f", padding=3)
    left.set(xscale="log", xlabel="notebooks per second, stock = 1", title="Throughput on the same two cores")
    left.set_xlim(left.get_xlim()[0], 2.5 * max(speeds))
    bottom = 0.0
    for colour, (name, seconds) in zip(COLOURS, results["phases"].items()):
        right.bar("course grade", 1000 * seconds, bottom=bottom, color=colour, label=name, width=0.5)
        bottom += 1000 * seconds
    right.bar("floor", 1000 * calm[FLOOR]["cpu"], color="black", width=0.5)
    right.set(ylabel="CPU ms per submission", title=f"Stock: {1000 * calm[STOCK]['cpu']:.0f} ms")
    right.legend(fontsize=7, loc="upper right")
    right.set_ylim(0, 1.7 * max(bottom, 1000 * calm[FLOOR]["cpu"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def write(results):
    """Put tables and picture into docs/performance.md; what was not measured stays as it is."""
    document = DOCS / "performance.md"
    for name, text in tables(results).items():
        if name == "figures":
            picture(results, DOCS / "figures" / "performance.svg")
            text += "\n\n![Throughput relative to stock nbgrader, and CPU time by phase](figures/performance.svg)"
        begin, end = (MARK.format(name=name, place=place) for place in ("begin", "end"))
        before, rest = document.read_text().split(begin)
        document.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")
