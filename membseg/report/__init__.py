"""Reports: one page for people, with all numbers beside it."""

from membseg.report._write_report import write_report

__all__ = ["write_report"]
