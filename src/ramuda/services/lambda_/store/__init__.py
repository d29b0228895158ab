"""Lambda's tables, and nothing else that speaks SQL. Plain functions over an open transaction.

A record is the JSON of a class of `model`; the columns beside it are what is searched for. Tables are made by the
migrations of `storage`.
"""

from ramuda.services.lambda_.store.blob_rows import add_blobs, blobs, code_bytes, drop_blob
from ramuda.services.lambda_.store.function_rows import (
    add_function,
    delete_function,
    delete_version,
    deployments,
    function,
    functions,
    functions_with_reservation,
    last_published,
    page_of_versions,
    put_function,
    put_version,
    unsettled_versions,
    version,
    versions_of,
)
from ramuda.services.lambda_.store.layer_rows import (
    add_layer_version,
    delete_layer_version,
    layer_codes,
    layer_version,
    layer_versions,
    next_layer_version,
)
from ramuda.services.lambda_.store.records import delete_of_qualifier
from ramuda.services.lambda_.store.tag_rows import is_there, put_tags, tags_of

__all__ = [
    "add_blobs",
    "add_function",
    "add_layer_version",
    "blobs",
    "code_bytes",
    "delete_function",
    "delete_layer_version",
    "delete_of_qualifier",
    "delete_version",
    "deployments",
    "drop_blob",
    "function",
    "functions",
    "functions_with_reservation",
    "is_there",
    "last_published",
    "layer_codes",
    "layer_version",
    "layer_versions",
    "next_layer_version",
    "page_of_versions",
    "put_function",
    "put_tags",
    "put_version",
    "tags_of",
    "unsettled_versions",
    "version",
    "versions_of",
]
