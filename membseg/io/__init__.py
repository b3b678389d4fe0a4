"""Reading and writing images, masks and stacks."""

from membseg.io._load_folder import load_image_folder
from membseg.io._load_stack import load_stack
from membseg.io._save_stack import save_stack
from membseg.io._stored import StackInfo

__all__ = ["StackInfo", "load_image_folder", "load_stack", "save_stack"]
