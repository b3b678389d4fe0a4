"""Run a notebook from top to bottom and store its outputs in it.

::

    python docs/notebooks/_execute.py docs/notebooks/first_segmentation.ipynb

Run it again after a change of the notebook, of the network's initial weights, or of anything else
that its figures and tables show.
"""

import argparse
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

#: What TensorFlow writes when it is loaded, whatever its log level is set to.
GREETING = re.compile(r"WARNING: All log messages before absl::InitializeLog|[IWE]\d{4} \d\d:\d\d:")
GREETING_GOES_ON = re.compile(r"To enable the following instructions: ")


def without_greetings(text: str) -> str:
    """Drop TensorFlow's own lines from what a cell wrote."""
    lines = text.splitlines(keepends=True)
    return "".join(
        line for line in lines if not (GREETING.match(line) or GREETING_GOES_ON.match(line))
    )


def clean_cell(cell: nbformat.NotebookNode) -> None:
    """Leave no log lines; stop where a cell has anything else to complain about."""
    kept = []
    for output in cell.get("outputs", []):
        if output.get("name") == "stderr":
            rest = without_greetings(output.text)
            if rest.strip():
                raise SystemExit(f"A cell wrote to stderr:\n{cell.source}\n\n{rest}")
            continue
        kept.append(output)
    if cell.cell_type == "code":
        cell.outputs = kept


def main() -> None:
    """Execute, clean, and write the notebook."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    path = parser.parse_args().notebook
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", record_timing=False).execute()
    for cell in notebook.cells:
        clean_cell(cell)
    # Of the machine that ran it only the language matters.
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
