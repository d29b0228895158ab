"""Every kind of record there is in `lambda_records`."""

from ramuda.services.lambda_.model import Alias, DataKey, FunctionUrl, ResourcePolicy
from ramuda.services.lambda_.store.records import Records

aliases = Records("alias", Alias)
"""name: function, qualifier: alias."""
policies = Records("policy", ResourcePolicy)
"""name: function, qualifier: version, alias or empty."""
data_keys = Records("data-key", DataKey)
"""name: the KMS key's ARN."""
layer_policies = Records("layer-policy", ResourcePolicy)
"""name: layer, qualifier: version."""
urls = Records("url", FunctionUrl)
"""name: function, qualifier: alias or empty."""
