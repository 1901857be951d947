"""All that the course replaces, overrides or sets in other packages, and a look whether it is still there.

A name that upstream gives up would switch off in silence what stands on it: an override that nobody calls, an option that
nobody reads, a column that nobody stores. `verify` runs before anything else in nbgrader_config.py, and refuses instead; what
student code runs on is looked at by the kernel itself (`INSIDE`). docs/design.md shows the table.
"""

from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Point:
    """`names` of a module or, with `owner`, of the class in it that defines them; `kind` is "replaced", "overridden",
    "called", "option", "hook" (of pytest) or "column" (of the gradebook, written)."""

    module: str
    owner: str
    kind: str
    names: tuple[str, ...]
    why: str

    @property
    def place(self) -> str:
        return f"{self.module}.{self.owner}" if self.owner else self.module


class UpstreamChanged(Exception):
    """A package gave up a name that the course relies on; the message says which, and what to do."""


SCREENING = "submissions are screened before nbgrader opens them; each that was not graded is named"
PAGES = "pages of a class in seconds, with an overview beside those of a submission"
WRITTEN = "a written question of the whole class on one page"
OWN_FILES = "no file of a student runs with a grader's rights"
KEPT = "what is graded, read and changed is stored"
ZONE = "deadlines are in the course's time zone, and one that cannot be read is said"
POINTS = (
    Point("nbgrader.apps.autogradeapp", "", "replaced", ("Autograde",), SCREENING),
    Point("nbgrader.apps.api", "", "replaced", ("Autograde", "GenerateFeedback"), "the same for formgrader"),
    Point("nbgrader.apps.generatefeedbackapp", "", "replaced", ("GenerateFeedback",), PAGES),
    *(Point(module, "", "replaced", ("glob",), "a folder's name is no pattern") for module in (
        "nbgrader.converters.base", "nbgrader.apps.api", "nbgrader.exchange.default.exchange", "nbgrader.exchange.default.collect",
        "nbgrader.exchange.default.fetch_feedback", "nbgrader.exchange.default.list", "nbgrader.exchange.default.release_feedback",
        "nbgrader.utils")),
    Point("nbgrader.api", "", "replaced", ("get_alembic_version",), "no program is started for the number of a new gradebook's form"),
    Point("nbgrader.dbutil", "", "called", ("ALEMBIC_DIR",), "the same"),
    Point("nbgrader.converters", "GenerateAssignment", "replaced", ("start",), "a gradebook that cannot be worked with is one sentence"),
    Point("nbgrader.converters.base", "BaseConverter", "overridden",
          ("start", "init_notebooks", "init_destination", "set_permissions", "convert_notebooks", "_format_source"), SCREENING),
    Point("nbgrader.converters.base", "BaseConverter", "overridden", ("init_assignment", "init_single_notebook_resources"), PAGES),
    Point("nbgrader.converters.base", "BaseConverter", "called", ("_format_dest",), PAGES),
    Point("nbgrader.converters.base", "BaseConverter", "option", ("force",), "what was graded is graded again where it has to be"),
    Point("nbgrader.converters", "GenerateFeedback", "overridden", ("_exporter_class_default",), PAGES),
    Point("nbconvert", "HTMLExporter", "overridden", ("from_notebook_node",), "the finished page is not parsed once more"),
    Point("nbconvert", "HTMLExporter", "called", ("_init_resources",), "the same"),
    Point("nbconvert.exporters", "TemplateExporter", "overridden", ("from_file",), "the same"),
    Point("nbconvert.exporters", "TemplateExporter", "called", ("environment", "register_filter"), "the same"),
    Point("nbgrader.converters", "Autograde", "overridden", ("convert_single_notebook",), SCREENING),
    Point("nbgrader.converters", "Autograde", "called", ("_sanitizing",), SCREENING),
    Point("nbgrader.converters", "Autograde", "option", ("sanitize_preprocessors", "autograde_preprocessors"),
          "student code runs in the sandbox, judged by the hidden checks"),
    Point("nbgrader.converters", "GenerateAssignment", "option", ("preprocessors",), "formulas are written out for students"),
    Point("nbgrader.converters", "GenerateFeedback", "option", ("preprocessors",), "students get no hidden line and no rubric"),
    *(Point("nbgrader.preprocessors", name, "overridden", ("preprocess_cell",), "in a student's own cell a mark is only a word")
      for name in ("ClearHiddenTests", "ClearMarkScheme")),
    Point("nbgrader.preprocessors", "ClearHiddenTests", "option", ("begin_test_delimeter", "end_test_delimeter"), "the same"),
    Point("nbgrader.preprocessors", "ClearMarkScheme", "option", ("begin_mark_scheme_delimeter", "end_mark_scheme_delimeter"), "the same"),
    Point("nbconvert.preprocessors.base", "Preprocessor", "overridden", ("preprocess", "preprocess_cell"), "what runs and mends a notebook"),
    Point("nbgrader.preprocessors", "GetGrades", "overridden", ("preprocess", "_get_comment", "_get_score"),
          "what nobody has graded yet is no 0, and no comment of nbgrader's is a person's"),
    Point("nbgrader.preprocessors", "SaveCells", "overridden", ("_create_notebook",), "what is refused after hand-ins names the command that can"),
    Point("nbgrader.preprocessors", "AssignLatePenalties", "option", ("plugin_class",), "the course's late policy"),
    Point("nbgrader.preprocessors", "ClearSolutions", "option", ("code_stub",), "what stands in the place of an answer"),
    Point("nbgrader.preprocessors", "IncludeHeaderFooter", "option", (), "first of the steps that make a release"),
    Point("nbgrader.coursedir", "CourseDirectory", "option", ("course_id", "root", "ignore", "db_url", "assignment_id"),
          "one course, one root"),
    Point("nbgrader.exchange", "ExchangeFactory", "option", ("collect", "release_feedback"), "one submission costs no other"),
    Point("nbgrader.exchange.default", "ExchangeCollect", "overridden",
          ("init_src", "copy_files", "_sort_by_timestamp"), "a submission is copied by descriptor, links are not followed"),
    Point("nbgrader.exchange.default", "ExchangeCollect", "option", ("update", "before_duedate", "check_owner"),
          "the newest of each student is collected, and whose it is"),
    Point("nbgrader.exchange.default.exchange", "Exchange", "overridden", ("do_copy",), "the same"),
    Point("nbgrader.exchange.default", "ExchangeReleaseFeedback", "overridden", ("copy_files",), "one submission costs no other"),
    Point("nbgrader.plugins", "BasePlugin", "overridden", (), "the course's late policy"),
    Point("nbgrader.plugins", "ExportPlugin", "overridden", ("export",), "grade files for Canvas and Moodle"),
    Point("nbgrader.apps.exportapp", "ExportApp", "option", ("plugin_class",), "no name in an exported table is a formula"),
    Point("nbgrader.apps.dbapp", "DbAssignmentAddApp", "overridden", ("start",), ZONE),
    Point("nbgrader.apps.api", "NbGraderAPI", "overridden", ("__init__", "get_assignment"), ZONE),
    Point("nbgrader.apps.api", "NbGraderAPI", "option", ("timezone", "timestamp_format"), ZONE),
    Point("nbgrader.apps.api", "NbGraderAPI", "overridden", ("get_student", "get_students", "get_submission", "get_submissions",
          "get_notebook_submissions", "get_student_notebook_submissions", "get_assignment", "get_notebooks"), "formgrader's totals are what counts"),
    Point("nbgrader.apps.api", "NbGraderAPI", "replaced", ("get_autograded_students",), "a file without a time stamp is graded once it is graded"),
    Point("nbgrader.server_extensions.formgrader.apihandlers", "AssignmentHandler", "overridden", ("put",), ZONE),
    Point("nbgrader.server_extensions.formgrader.apihandlers", "GradeHandler", "overridden", ("put",),
          "a late penalty follows the points"),
    Point("nbgrader.server_extensions.formgrader.base", "BaseHandler", "overridden", ("render",),
          "the collect button says what waits in the exchange"),
    Point("nbgrader.server_extensions.formgrader.handlers", "ManageAssignmentsHandler", "overridden", (), "the same"),
    Point("nbgrader.server_extensions.formgrader.handlers", "SubmissionFilesHandler", "overridden", (), OWN_FILES),
    Point("tornado.web", "StaticFileHandler", "overridden", ("set_extra_headers",), OWN_FILES),
    Point("nbgrader.server_extensions.formgrader.handlers", "", "overridden", ("default_handlers", "GradebookNotebooksHandler"), WRITTEN),
    Point("nbgrader.server_extensions.formgrader.base", "BaseHandler", "called", ("gradebook", "coursedir"), WRITTEN),
    Point("nbgrader.server_extensions.formgrader.formgrader", "FormgradeExtension", "option", ("debug",),
          "no page shows the configuration"),
    Point("nbgrader.api", "Grade", "column", ("auto_score", "manual_score", "extra_credit", "needs_manual_grade"), KEPT),
    Point("nbgrader.api", "Comment", "column", ("auto_comment", "manual_comment"), KEPT),
    Point("nbgrader.api", "SubmittedNotebook", "column", ("late_submission_penalty",), KEPT),
    Point("nbgrader.api", "SubmittedAssignment", "column", ("timestamp", "extension"), KEPT),
    Point("nbgrader.api", "Assignment", "column", ("duedate",), KEPT),
    Point("nbgrader.api", "GradeCell", "column", ("max_score",), KEPT),
    Point("nbgrader.api", "TaskCell", "column", ("max_score",), KEPT),
    Point("nbgrader.api", "Student", "column", ("first_name", "last_name", "email", "lms_user_id"), KEPT),
    Point("nbgrader.api", "Notebook", "column", ("_base_cells",), KEPT),
    Point("nbgrader.utils", "", "called", ("compute_checksum", "determine_grade", "find_all_files", "is_grade", "is_locked",
                                           "is_solution", "is_task", "parse_utc"), "what a cell is, and what it earned"),
    Point("nbformat.v4.rwbase", "", "called", ("rejoin_lines", "split_lines", "strip_transient"), "the fast writer writes nbformat's bytes"),
    Point("nbconvert", "HTMLExporter", "option", ("extra_template_basedirs", "extra_template_paths", "filters"), "the feedback page and its formulas"),
    Point("nbconvert.filters.markdown_mistune", "IPythonRenderer", "overridden", ("block_math", "inline_math", "multiline_math",
          "latex_environment", "heading"), "formulas of a feedback page need no script"),
    Point("_pytest.hookspec", "", "hook", ("pytest_addoption", "pytest_configure", "pytest_collection", "pytest_collectreport", "pytest_collection_modifyitems",
          "pytest_runtestloop", "pytest_runtest_makereport", "pytest_terminal_summary"), "checks are judged exercise by exercise"),
    Point("_pytest.config", "Config", "called", ("InvocationParams",), "checks are found in a folder called [WS26]"),
)
# The kernel refuses to start without them, but for the list of fonts, which is then read as a whole and takes longer.
INSIDE = (
    Point("IPython.core.interactiveshell", "InteractiveShell", "overridden",
          ("init_display_formatter", "enable_gui", "enable_matplotlib", "system", "getoutput", "transform_cell", "should_run_async",
           "_exiter_default", "_get_exc_info", "_showtraceback"), "cells need no terminal, window or event loop; a traceback shows the notebook's own lines"),
    Point("IPython.core.displayhook", "DisplayHook", "overridden", ("write_output_prompt", "write_format_data", "finish_displayhook"),
          "what a cell puts out is taken, up to a limit"),
    Point("IPython.core.displaypub", "DisplayPublisher", "overridden", ("publish", "clear_output"), "the same"),
    Point("matplotlib.font_manager", "", "called", ("_get_font",), "no two kernels read one open file of a font"),
    Point("matplotlib.mathtext", "MathTextParser", "called", ("_parse_cached",), "the same"),
    Point("matplotlib.pyplot", "", "replaced", ("switch_backend",), "pictures are drawn inline, whatever window is asked for"),
    Point("matplotlib._afm", "", "replaced", ("AFM", "_parse_header"), "fonts are listed by their names alone"),
)


def verify() -> None:
    """Raises `UpstreamChanged` if one of `POINTS` is not there."""
    gone = [f"{point.place}.{name}" if name else point.place for point in POINTS for name in missing(point)]
    if gone:
        raise UpstreamChanged(f"{', '.join(gone)} is not there any more, and grading relies on it: another version of a package "
                              "is installed than the course is made for. Install the pinned ones: rm .venv/ready; make demo")


def missing(point: Point) -> list[str]:
    """The names of `point` that do not exist; "" stands for the place itself."""
    try:
        place = import_module(point.module)
        place = getattr(place, point.owner) if point.owner else place
    except (ImportError, AttributeError):
        return [""]
    if point.kind == "option":
        return [name for name in point.names if name not in place.class_trait_names(config=True)]
    if point.kind == "column":
        return [name for name in point.names if name not in place.__mapper__.attrs]
    return [name for name in point.names if name not in vars(place)]      # what a base class has is another thing


def as_markdown() -> str:
    """The table for docs/design.md."""
    lines = ["| upstream | we | what stands on it |", "| --- | --- | --- |"]
    for point in (*POINTS, *INSIDE):
        names = ", ".join(f"`{name}`" for name in point.names) or "the class"
        lines.append(f"| `{point.place}`: {names} | {point.kind} | {point.why} |")
    return "\n".join(lines)
