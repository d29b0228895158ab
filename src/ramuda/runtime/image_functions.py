"""How a function that is a container image runs (pure): no runtime of ours, but the image's own root and command.

AWS's base images work by construction: their entry point is /lambda-entrypoint.sh, which is given the handler as its
one argument, exports it as _HANDLER and executes /var/runtime/bootstrap, unless AWS_LAMBDA_RUNTIME_API is missing.
https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
"""

from ramuda.kernel.function import FunctionSnapshot, ImageUse
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.sandbox import Boot, RuntimeSpec

NAME_DIGITS = 12
DEFAULT_PATH = "/usr/local/bin:/usr/bin/:/bin:/opt/bin"


def provided(image: ImageUse) -> ProvidedRuntime:
    """The image in place of a runtime. It has no version that INIT_START could show."""
    name = f"image-{image.digest.partition(':')[2][:NAME_DIGITS]}"
    environment = tuple({"PATH": DEFAULT_PATH, **dict(image.environment)}.items())
    spec = RuntimeSpec(name=name, boot=Boot.EXEC, argv=(), root=image.root, environment=environment)
    return ProvidedRuntime(identifier=name, spec=spec, runtime_version="")


def handler(function: FunctionSnapshot) -> str:
    """What _HANDLER says: for an image the last word of its command, which base images take for the handler."""
    if function.image is None:
        return function.handler
    return function.image.command[-1] if function.image.command else ""


def command(function: FunctionSnapshot) -> tuple[str, ...] | None:
    """What is executed in an image; None for functions that are none."""
    return None if function.image is None else (*function.image.entry_point, *function.image.command)


def launch_error(image: ImageUse, what: str) -> str:
    """The log line, as AWS's users quote it."""

    def shown(words: tuple[str, ...]) -> str:
        return f"[{' '.join(words)}]"

    return (
        f"IMAGE\tLaunch error: {what}\tEntrypoint: {shown(image.entry_point)}\tCmd: {shown(image.command)}\t"
        f"WorkingDir: [{image.working_dir}]\n"
    )
