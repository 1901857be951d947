"""The exporters' public names, for `nbgrader export --exporter=grading.exporters...`; the code is in `plugins/`."""

from .plugins.exporters import CanvasExporter, MoodleExporter, TableExporter

__all__ = ["CanvasExporter", "MoodleExporter", "TableExporter"]
