"""Environment variables are sealed before they reach the disk, with the function's KMS key if it has one that is at
hand, else with the server's own. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"""

from collections.abc import Callable
from dataclasses import replace

import msgspec

from ramuda.kernel.codec import encode_json
from ramuda.kernel.ports.keyring import Keyring, UnknownKey
from ramuda.services.lambda_.model import Deployment, Version

_variables = msgspec.json.Decoder(dict[str, str])


def sealed(version: Version, keyring: Keyring | None) -> Version:
    """As it is stored."""
    return version if keyring is None else _changed(version, keyring, _sealed)


def opened(version: Version, keyring: Keyring | None) -> Version:
    """As it is worked with. Variables whose key is not at hand stay sealed."""
    return version if keyring is None else _changed(version, keyring, _opened)


def _changed(version: Version, keyring: Keyring, change: Callable[[Deployment, Keyring, str], Deployment]) -> Version:
    context = f"environment {version.account} {version.region} {version.name}"
    previous = None if version.previous is None else change(version.previous, keyring, context)
    return replace(version, deployment=change(version.deployment, keyring, context), previous=previous)


def _sealed(deployment: Deployment, keyring: Keyring, context: str) -> Deployment:
    settings = deployment.settings
    if settings.environment is None:
        return deployment
    kms_key = settings.shown.get("KMSKeyArn", "")
    key = kms_key if keyring.has(kms_key) else ""
    text = keyring.seal(encode_json(settings.environment), context=context, key=key)
    return replace(deployment, settings=replace(settings, environment=None, sealed_environment=text))


def _opened(deployment: Deployment, keyring: Keyring, context: str) -> Deployment:
    settings = deployment.settings
    if settings.sealed_environment is None:
        return deployment
    try:
        variables = _variables.decode(keyring.unseal(settings.sealed_environment, context=context))
    except UnknownKey:
        return deployment
    return replace(deployment, settings=replace(settings, environment=variables, sealed_environment=None))
