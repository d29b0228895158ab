"""Every kind of record there is in `lambda_records`."""

from ramuda.services.lambda_.model import Alias, ResourcePolicy
from ramuda.services.lambda_.store.records import Records

aliases = Records("alias", Alias)
"""name: function, qualifier: alias."""
policies = Records("policy", ResourcePolicy)
"""name: function, qualifier: version, alias or empty."""
layer_policies = Records("layer-policy", ResourcePolicy)
"""name: layer, qualifier: version."""
