"""nbgrader's configuration of this course: the wiring, no logic."""

import os
import sys
from importlib.util import find_spec

c = get_config()

here = os.path.dirname(os.path.abspath(__file__))
if here not in sys.path:    # formgrader runs in a server that may have been started elsewhere
    sys.path.insert(0, here)
# `nbgrader db upgrade` calls alembic by name
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", "")

try:
    from grading.plugins import autograde, collect_button, counting, deadlines, generate_feedback, literal, schema, steps, submitted_files, upstream, written
    from grading.root import say_foreign_code
    from grading.run import health
    upstream.verify()       # what is replaced and set below is still there
    health.install()        # a gradebook that cannot be read is said in a sentence
    schema.install()        # a new gradebook in a tenth of the time
    literal.install()       # a course may lie in a folder called [WS26]
    collect_button.install()
    submitted_files.install()
    autograde.install()     # submissions are screened before nbgrader opens them
    say_foreign_code(here)  # a server may have loaded the code of another checkout before
    generate_feedback.install()     # pages for a class in seconds, and an overview beside them
    deadlines.install()     # in the course's time zone, which is named
    counting.install()      # formgrader's totals are what counts
    written.install()       # a written question of the whole class on one page of formgrader
except Exception as error:  # nbgrader would go on without this file, and so without the sandbox
    sys.exit(f"nbgrader_config.py: the grading plug-in could not be loaded ({type(error).__name__}: {error}). "
             "Use the course's own environment: .venv/bin/nbgrader, made by `make demo` or `make test`.")

c.ExchangeFactory.collect = "grading.plugins.collect.Collect"
c.ExchangeFactory.release_feedback = "grading.plugins.release_feedback.ReleaseFeedback"

c.ExportApp.plugin_class = "grading.plugins.exporters.TableExporter"

c.CourseDirectory.course_id = "gradients"
c.CourseDirectory.root = here
c.Execute.course_root = here    # checks and reference are this course's, wherever a run keeps its submissions
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".pytest_cache", "README.md"]

c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError(\"Write your answer here.\")"}

c.GenerateAssignment.preprocessors = list(steps.RELEASE)
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "grading.notebooks.mend.Mend",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# Students get neither hidden lines nor the rubric with their feedback.
c.GenerateFeedback.preprocessors = [
    "grading.plugins.feedback.GetGrades",
    "grading.plugins.feedback.ClearHiddenTests",
    "grading.plugins.feedback.ClearMarkScheme",
]
# Pages that need no network: feedback with formulas as MathML, formgrader with MathJax from this server.
c.HTMLExporter.extra_template_basedirs = [
    os.path.join(os.path.dirname(find_spec("grading").origin), "pages", "templates"),
    os.path.join(os.path.dirname(find_spec("nbgrader").origin), "server_extensions", "formgrader", "templates"),
]
# where formgrader's own page lies, which ours adds to
c.HTMLExporter.extra_template_paths = [os.path.dirname(find_spec("nbgrader").origin)]
c.HTMLExporter.filters = {"highlight_code": "grading.plugins.code.highlight_code",
                          "markdown": "grading.plugins.feedback.markdown",
                          "points": "grading.plugins.feedback.points"}
c.FormgradeExtension.debug = False      # it would print the configuration, with the database's password, on its page
c.Autograde.autograde_preprocessors = [
    "grading.run.execute.Execute",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# What one submission may use; grading/border/sandbox.py lists every limit with its unit and default.
# c.Execute.limits = {"cell_seconds": 30}


# The time zone of deadlines, wherever one is set or shown. By default this machine's.
# c.Course.timezone = "Europe/Berlin"

# Late submissions: nothing is taken off as long as percent_per_day is 0. Deadlines are set with course due or in Formgrader,
# extensions with course extend.
c.AssignLatePenalties.plugin_class = "grading.plugins.late.LatePolicy"
c.LatePolicy.percent_per_day = 0.0      # of the score, for each day that has begun
c.LatePolicy.grace_minutes = 15.0       # after the deadline that cost nothing
c.LatePolicy.most_percent = 50.0        # of the score that it costs at most

# Where everybody can reach the course, once it is on the web; docs/instructors.md says how.
# c.PublicPlaces.site = "https://example.org/gradients"
# c.PublicPlaces.repository = "https://github.com/OWNER/NAME"
# c.PublicPlaces.hub = "https://hub.example.org"
