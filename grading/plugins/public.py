"""Where the course can be reached by everybody, as `nbgrader_config.py` says; each address is empty until it is set."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode, validate
from traitlets.config import Configurable

FILES = "files"     # on the web site, the folder with what comes with every notebook
UNSET = 'WEB = ""'    # a line of a notebook's first cell, as source/ has it
GITHUB = "https://github.com/"
COLAB = "https://colab.research.google.com"


@dataclass(frozen=True)
class Link:
    """A way to open a notebook, and what it stands on."""

    name: str
    address: str


class PublicPlaces(Configurable):
    """Addresses of the course that students can reach without logging in."""

    site = Unicode("", help="Of the web site that `make site` builds, for example https://example.org/gradients").tag(config=True)
    repository = Unicode("", help="Of the repository whose release/ students may read: https://github.com/OWNER/NAME").tag(config=True)
    branch = Unicode("main", help="The branch of the repository that holds release/").tag(config=True)
    hub = Unicode("", help="Of a JupyterHub with nbgitpuller: https://hub.example.org").tag(config=True)

    @validate("site", "repository", "hub")
    def _address(self, proposal: Any) -> str:
        address = proposal["value"].rstrip("/").removesuffix(".git")      # as it is cloned; pages have it without
        if address and not address.startswith(("https://", "http://localhost", "http://127.0.0.1")):
            proposal["trait"].error(self, address)
        return address

    def file(self, path: str) -> str:
        """The page of a file of the repository; empty if no repository is set."""
        return f"{self.repository}/blob/{quote(self.branch)}/{quote(path)}" if self.repository else ""

    def links(self, notebook: str) -> list[Link]:
        """The ways to open `notebook`, a path in the repository, that the settings allow."""
        found = []
        if self.repository.startswith(GITHUB):
            found.append(Link("Colab", f"{COLAB}/github/{self.repository.removeprefix(GITHUB)}/blob/{quote(self.branch)}/{quote(notebook)}"))
        if self.repository and self.hub:
            folder = self.repository.rsplit("/", 1)[-1]
            query = urlencode({"repo": self.repository, "branch": self.branch, "urlpath": f"lab/tree/{folder}/{notebook}"})
            found.append(Link("nbgitpuller", f"{self.hub}/hub/user-redirect/git-pull?{query}"))
        return found


class NameTheWebSite(NbGraderPreprocessor):
    """Write the web site's address into the first cell, which fetches what is missing from there in Colab."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        site = PublicPlaces(config=self.config).site
        for cell in nb.cells:
            if site and cell.cell_type == "code":
                cell.source = cell.source.replace(UNSET, f'WEB = "{site}/{FILES}"', 1)
        return nb, resources
