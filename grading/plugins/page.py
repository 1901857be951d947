"""The exporter of feedback pages: nbconvert's, made for a whole class by one process.

nbconvert copies and validates a notebook before each of its steps and parses the finished page once more, for alternative
texts and for what can be focused. Here the notebook is what grading wrote, nobody else holds it, and the template leaves
nothing of that to do. What a class has in common, the course's text and code, is translated once.
"""

import re
from typing import IO, Any

from nbconvert import HTMLExporter
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode

from ..notebooks.writing import written_notebook
from ..pages.formulas import Translations
from .code import highlight_code

IMAGE = re.compile(r"""<img\b(?:[^>"']|"[^"]*"|'[^']*')*+>""", re.IGNORECASE)
QUOTED, ALT = re.compile(r"""("[^"]*"|'[^']*')"""), re.compile(r"\salt[\s=/>]", re.IGNORECASE)
NO_WORDS = "No description has been provided for this image"     # nbconvert's


class PageExporter(HTMLExporter):
    """nbconvert's exporter for the feedback pages of one course. A page depends on its notebook alone, not on those before."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.translations, self.styles = Translations(), None
        self.environment.auto_reload = False    # a class's templates do not change on the way

    def from_file(self, file_stream: IO[str], resources: dict[str, Any] | None = None,      # type: ignore[override]    # nbconvert says a notebook, and gives a page
                  **kw: Any) -> tuple[str, dict[str, Any]]:
        """The page of a graded notebook."""
        return self.from_notebook_node(written_notebook(file_stream.read()), resources, **kw)

    def from_notebook_node(self, nb: NotebookNode, resources: dict[str, Any] | None = None,     # type: ignore[override]    # the same
                           **kw: Any) -> tuple[str, dict[str, Any]]:
        """The page of `nb`, which is changed on the way."""
        resources = self._init_resources(resources)
        resources["translations"] = self.translations
        for preprocessor in self._preprocessors:
            if isinstance(preprocessor, CSSHTMLHeaderPreprocessor):     # the same for every page
                self.styles = resources["inlining"] = self.styles or preprocessor(nb, resources)[1]["inlining"]
            else:
                nb, resources = preprocessor(nb, resources)
        self.register_filter("highlight_code", self.filters.get("highlight_code", highlight_code))
        place = WidgetsDataTypeFilter(notebook_metadata={}, parent=self, resources=resources)
        place.metadata = {place.notebook_path: nb.metadata}
        self.register_filter("filter_data_type", place)
        resources.setdefault("raw_mimetypes", self.raw_mimetypes)
        resources.setdefault("output_mimetype", self.output_mimetype)
        shown = {name: not getattr(self, f"exclude_{name}") for name in (
            "markdown", "raw", "unknown", "input", "output", "output_stdin", "input_prompt", "output_prompt")}
        resources["global_content_filter"] = {f"include_{name}": value for name, value in shown.items()} | {
            "include_code": not self.exclude_code_cell,
            "no_prompt": self.exclude_input_prompt and self.exclude_output_prompt}
        page = self.template.render(nb=nb, resources=resources).lstrip("\r\n")
        return IMAGE.sub(with_words, page), resources


def with_words(image: re.Match[str]) -> str:
    """An image that says nothing in words, with nbconvert's note in their place."""
    text = image[0]
    return text if ALT.search(QUOTED.sub("", text)) else f'{text[:4]} alt="{NO_WORDS}"{text[4:]}'
