"""Container images: named, fetched, unpacked, kept.

`Library` implements `kernel.ports.images.Images`. What an image runs as is the sandbox's (`RuntimeSpec.root`).
"""

from ramuda.runtime.images.library import Library
from ramuda.runtime.images.options import Options

__all__ = ["Library", "Options"]
