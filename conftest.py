"""Root of the test session: loads the plug-in that gives `check` and `student` to tests/hidden."""

pytest_plugins = ["grading.checks"]
