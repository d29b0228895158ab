"""Installing what runtimes need: runtime clients and AWS SDKs, into a folder of our own, once.

`python -m ramuda.runtime.provision` does ahead of time what the first function of a runtime would wait for.
"""

from ramuda.runtime.provision.store import Store
from ramuda.runtime.provision.tools import Tools

__all__ = ["Store", "Tools"]
