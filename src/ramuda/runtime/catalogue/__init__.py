"""The runtimes: which identifiers there are, what each needs, and how this machine can run it."""

from ramuda.runtime.catalogue.catalogue import Catalogue
from ramuda.runtime.catalogue.options import Options, default_cache_dir
from ramuda.runtime.catalogue.workshop import RuntimeStatus

__all__ = ["Catalogue", "Options", "RuntimeStatus", "default_cache_dir"]
