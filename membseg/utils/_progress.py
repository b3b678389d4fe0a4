"""One line an epoch, for those who ask for it."""

import sys


def write_line(text: str) -> None:
    """Write one line to standard output, visible at once.

    Parameters
    ----------
    text : str
        The line, without its end.
    """
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
