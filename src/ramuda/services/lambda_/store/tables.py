"""Every kind of record there is in `lambda_records`."""

from typing import Any

from ramuda.services.lambda_.model import (
    Alias,
    CodeSigningConfig,
    DataKey,
    EventInvokeConfig,
    EventSourceMapping,
    FunctionUrl,
    ProvisionedConcurrency,
    ResourcePolicy,
    ResourceTags,
)
from ramuda.services.lambda_.store.records import Records

aliases = Records("alias", Alias)
"""name: function, qualifier: alias."""
policies = Records("policy", ResourcePolicy)
"""name: function, qualifier: version, alias or empty."""
data_keys = Records("data-key", DataKey)
"""name: the KMS key's ARN."""
code_signing_configs = Records("code-signing-config", CodeSigningConfig)
"""name: the configuration's id."""
event_invoke_configs = Records("event-invoke-config", EventInvokeConfig)
"""name: function, qualifier: version (`$LATEST` too) or alias."""
mappings = Records("event-source-mapping", EventSourceMapping)
"""name: the mapping's UUID."""
layer_policies = Records("layer-policy", ResourcePolicy)
"""name: layer, qualifier: version."""
provisioned = Records("provisioned-concurrency", ProvisionedConcurrency)
"""name: function, qualifier: version or alias."""
urls = Records("url", FunctionUrl)
"""name: function, qualifier: alias or empty."""
tags = Records("tags", ResourceTags)
"""name: what is tagged (`code-signing-config:ID`)."""
taggable: dict[str, Records[Any]] = {
    "code-signing-config": code_signing_configs,
    "event-source-mapping": mappings,
}
"""Records that may have tags in `tags`, by the kind that their ARN names; their name is the id in it."""
