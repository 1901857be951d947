"""How Sphinx makes the web site; `course site` writes the pages that it reads."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Vanishing and exploding gradients"
html_title = project
copyright = "text CC BY 4.0, code BSD 3-Clause"
language = "en"
extensions = ["myst_nb", "sphinx_copybutton", "accessible"]
exclude_patterns = []
nb_execution_mode = "off"       # the lecture was run before; assignments are for students to run
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure", "myst.header"]
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}
html_theme = "furo"
html_css_files = ["site.css"]
html_js_files = [("figures.js", {"defer": "defer"}), ("saved.js", {"defer": "defer"})]
html_favicon = "static/icon.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False          # nothing is in it
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c8f", "color-brand-content": "#0b5c8f"},
    "dark_css_variables": {"color-brand-primary": "#7cc0ee", "color-brand-content": "#7cc0ee"},
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
