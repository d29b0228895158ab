"""What Node.js functions need: the AWS SDK, AWS's own runtime client, and Node itself where npm can bring it.

All by npm. AWS's client (aws-lambda-ric) holds a part in C++ that must be compiled: one to two minutes, once. It speaks
Node-API, so one compiled client serves every version of Node.
"""

import platform
import shutil
import sys
from pathlib import Path

from ramuda.kernel.errors import PortError
from ramuda.runtime.provision import clients
from ramuda.runtime.provision.store import Store, link_tree
from ramuda.runtime.provision.tools import Tools

NPM_INSTALL = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--omit=dev", "--fetch-retries=1"]
COMPILERS = ("g++", "make", "cmake", "autoconf", "automake", "libtoolize")
COMPILERS_ADVICE = "apt install g++ make cmake autoconf automake libtool"
LOW_PRIORITY = ["nice", "-n", "19"]
SDK_PACKAGES = (
    *("client-api-gateway", "client-apigatewaymanagementapi", "client-appconfigdata", "client-athena"),
    *("client-bedrock-runtime", "client-cloudformation", "client-cloudwatch", "client-cloudwatch-logs"),
    *("client-cognito-identity-provider", "client-dynamodb", "client-ec2", "client-ecs", "client-eventbridge"),
    *("client-firehose", "client-iam", "client-kinesis", "client-kms", "client-lambda", "client-pipes"),
    *("client-rds-data", "client-s3", "client-scheduler", "client-secrets-manager", "client-ses", "client-sesv2"),
    *("client-sfn", "client-sns", "client-sqs", "client-ssm", "client-sts", "client-xray", "credential-providers"),
    *("lib-dynamodb", "lib-storage", "s3-request-presigner", "util-dynamodb"),
)
"""Of the SDK's 400 packages those that functions use most. AWS has all of them; a function that needs another brings it
in its package, as AWS recommends for every dependency."""
_CLIENT_FILES = ("index.mjs", "rapid-client.node", "dist", "package.json", "LICENSE", "NOTICE", "THIRD-PARTY-LICENSES")
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def sdk_key(version: str) -> str:
    return f"node-sdk-{clients.digest(version, *SDK_PACKAGES)}"


def install_sdk(store: Store, tools: Tools, version: str) -> Path:
    """A `node_modules` folder with the SDK's packages of `version` (an npm range) and all they need."""

    def fill(folder: Path) -> None:
        packages = [f"@aws-sdk/{name}@{version}" for name in SDK_PACKAGES]
        command = [*NPM_INSTALL, "--ignore-scripts", "--prefix", str(folder), *packages]
        tools.run(command, what="installing the AWS SDK for JavaScript", cwd=folder)

    return store.ensure(sdk_key(version), fill) / "node_modules"


def client_key(package: str) -> str:
    return f"node-ric-{clients.digest(package)}"


def missing_for_client(tools: Tools) -> list[str]:
    """The programs that compiling AWS's client needs and this machine has not."""
    return tools.missing("npm", *COMPILERS)


def compile_client(store: Store, tools: Tools, package: str, headers: Path | None) -> Path:
    """AWS's client (`aws-lambda-ric@3`), compiled. `headers` is a prefix with `include/node`; without one npm fetches
    them."""

    def fill(folder: Path) -> None:
        build = folder / "build"
        build.mkdir()
        nice = [] if tools.missing("nice") else LOW_PRIORITY
        env = {"npm_config_nodedir": str(headers)} if headers else {}
        command = [*nice, *NPM_INSTALL, "--prefix", str(build), package]
        tools.run(command, what=f"compiling {package}", cwd=build, env=env)
        made = build / "node_modules" / "aws-lambda-ric"
        for name in _CLIENT_FILES:
            if (made / name).exists():
                (made / name).rename(folder / name)
        shutil.rmtree(build)
        if not list(folder.rglob("rapid-client.node")):
            raise PortError(f"compiling {package}: npm said nothing, but there is no rapid-client.node")

    return store.ensure(client_key(package), fill)


def node_key(major: int) -> str:
    return f"node{major}"


def install_node(store: Store, tools: Tools, major: int) -> Path:
    """The prefix of a Node of this major version, with its headers."""

    def fill(folder: Path) -> None:
        machine = _MACHINES.get(platform.machine().lower())
        if machine is None or sys.platform not in ("linux", "darwin"):
            raise PortError(f"npm has no Node.js for {sys.platform} on {platform.machine()}")
        package = f"node-{sys.platform}-{machine}"
        what = f"installing Node.js {major}"
        build = folder / "build"
        build.mkdir()
        tools.run([*NPM_INSTALL, "--prefix", str(build), f"{package}@{major}"], what=what, cwd=build)
        for name in ("bin", "include", "LICENSE"):
            (build / "node_modules" / package / name).rename(folder / name)
        shutil.rmtree(build)

    return store.ensure(node_key(major), fill)


def runtime_dir(store: Store, sdk: Path | None, client: Path | None) -> Path:
    """The folder that is /var/runtime: our bootstrap and, where installed, the SDK and AWS's client."""
    parts = [clients.content("node"), str(sdk), str(client)]

    def fill(folder: Path) -> None:
        clients.copy("node", folder)
        if sdk is not None:
            link_tree(sdk, folder / "node_modules")
        if client is not None:
            link_tree(client, folder / "aws-lambda-ric")

    return store.ensure(f"nodejs-{clients.digest(*parts)}", fill)
