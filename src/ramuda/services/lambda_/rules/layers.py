"""Layer names and ARNs, and which layers a function may refer to.

Sources: recorded answers; the sentences of CreateFunction as AWS's users quote them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ramuda.kernel import limits
from ramuda.kernel.arn import Arn
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.model import LayerVersion
from ramuda.services.lambda_.rules import refusals

GET = "lambda:GetLayerVersion"
"""The one action that a layer's policy can allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A layer, and the version of it where one was named."""

    account: str
    region: str
    name: str
    version: int | None = None

    @property
    def arn(self) -> str:
        layer = f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"
        return layer if self.version is None else f"{layer}:{self.version}"


def parse(text: str, account: str, region: str) -> Named:
    """A LayerName: a name or a layer's ARN, with or without a version."""
    if not text.startswith("arn:"):
        return Named(account=account, region=region, name=text)
    arn = Arn.parse(text)
    _, name, *version = arn.resource.split(":")
    return Named(account=arn.account, region=arn.region, name=name, version=int(version[0]) if version else None)


def check_uses(arns: Sequence[str], account: str, region: str) -> list[Named]:
    """What a function's Layers name; whether each is there, and may be used, is still to be seen."""
    if len(arns) > limits.LAYERS_MAX:
        raise refusals.invalid(f"Cannot reference more than {limits.LAYERS_MAX} layers.")
    seen: dict[tuple[str, str], str] = {}
    result = []
    for text in arns:
        named = parse(text, account, region)
        if named.region != region:
            raise refusals.invalid(
                f"Layers are not in the same region as the function. Layers are expected to be in region {region}."
            )
        layer = (named.account, named.name)
        if layer in seen:
            raise refusals.invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{seen[layer]} and {text} are versions of the same layer."
            )
        seen[layer] = text
        result.append(named)
    return result


def version_not_found(arn: str) -> ApiError:
    """What the operations on a layer version's policy answer."""
    return refusals.not_found(f"Layer version {arn} does not exist.")


def not_authorized(caller: str, operation: str, arn: str) -> ApiError:
    """The caller is of another account or region, and no policy lets it do `operation`."""
    message = (
        f"User: {caller} is not authorized to perform: lambda:{operation} on resource: {arn} "
        f"because no resource-based policy allows the lambda:{operation} action"
    )
    return ApiError("AccessDeniedException", message, status=403)


def matching(layers: Iterable[LayerVersion], runtime: str | None, architecture: str | None) -> list[LayerVersion]:
    """Those that say they are compatible; what says nothing is compatible with nothing, as on AWS."""
    return [
        layer
        for layer in layers
        if (runtime is None or runtime in (layer.runtimes or ()))
        and (architecture is None or architecture in (layer.architectures or ()))
    ]


def newest(layers: Iterable[LayerVersion]) -> list[LayerVersion]:
    """The highest version of each layer, by name."""
    best: dict[str, LayerVersion] = {}
    for layer in layers:
        known = best.get(layer.name)
        if known is None or known.version < layer.version:
            best[layer.name] = layer
    return [best[name] for name in sorted(best)]
