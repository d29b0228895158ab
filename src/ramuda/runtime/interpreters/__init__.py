"""The interpreters on this machine: where they are, which versions, and which comes closest to what is wanted."""

from ramuda.runtime.interpreters.finder import Finder
from ramuda.runtime.interpreters.interpreter import Interpreter, Kind, choose

__all__ = ["Finder", "Interpreter", "Kind", "choose"]
