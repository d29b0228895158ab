"""Installing what runtimes need: runtime clients and AWS SDKs, into a folder of our own, once."""

from ramuda.runtime.provision.background import Background
from ramuda.runtime.provision.store import Store
from ramuda.runtime.provision.tools import Tools

__all__ = ["Background", "Store", "Tools"]
