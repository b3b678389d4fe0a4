"""Segmenters in files without code, and segmenters that have been trained already."""

from membseg.persistence._list_pretrained import list_pretrained
from membseg.persistence._load import load
from membseg.persistence._load_pretrained import load_pretrained
from membseg.persistence._save import save

__all__ = ["list_pretrained", "load", "load_pretrained", "save"]
