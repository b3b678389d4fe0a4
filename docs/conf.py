"""Sphinx configuration of membseg's manual: sphinx-build -W -b html docs docs/_build/html."""

import membseg

project = "membseg"
author = "The membseg developers"
project_copyright = author
version = release = membseg.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
]
exclude_patterns = ["_build", "_templates", "**.ipynb_checkpoints"]
templates_path = ["_templates"]

# Pages and notebooks are shown as they are; the tests run their code.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

# The API pages list what a room's __all__ lists (_templates/autosummary/room.rst).
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
# All pages stand side by side: there is no section to navigate in.
html_sidebars = {"**": []}
html_title = f"membseg {release}"
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
html_show_sourcelink = False
