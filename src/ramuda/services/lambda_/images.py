"""The container images of functions: taken in by their URI, made ready to run, collected when no version has them.

The images themselves are kept by `ports.Images`; a version's `CodeRef` names one by its digest. As with code,
collection runs after a start only, and only for what this process has not touched.
"""

import asyncio
import logging

from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.function import ImageUse
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.kernel.ports.images import ImageError, ImageFault, Images, PinnedImage
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.model import CodeRef, Deployment, ImageRef
from ramuda.services.lambda_.rules import images as rules

log = logging.getLogger(__name__)

DIGEST_PREFIX = "sha256:"
NOT_HERE = "container images need the isolated sandbox, and `ramuda doctor` says what is missing for it"


class FunctionImages:
    """`images` None: this server's sandbox cannot run any."""

    def __init__(self, database: Database, images: Images | None) -> None:
        self._database = database
        self._images = images
        self._collector: asyncio.Task[None] | None = None

    async def accept(self, uri: str, architecture: str) -> CodeRef:
        """Finds the image and pins it. Raises AWS's errors."""
        try:
            image = await self._here().resolve(uri, architecture)
        except ImageError as e:
            log.info("lambda.image.refused", extra={"image": uri, "reason": str(e)})
            raise rules.refused(e, uri) from e
        except PortError as e:
            raise ApiError("ServiceException", f"The image {uri} cannot be looked at: {e}", fault="Server") from e
        ref = ImageRef(uri=uri, resolved_uri=image.resolved_uri)
        return CodeRef(sha256=image.digest.removeprefix(DIGEST_PREFIX), size=0, unzipped_bytes=0, image=ref)

    async def prepare(self, deployment: Deployment) -> tuple[str, str] | None:
        """Makes the image ready to run; else the reason of the failure and its code."""
        image = deployment.code.image
        assert image is not None
        try:
            await self.use(deployment)
        except ImageError as e:
            return rules.failed(e, image.resolved_uri)
        except PortError as e:
            return f"The container image {image.resolved_uri} could not be unpacked: {e}.", "InternalError"
        return None

    async def to_run(self, deployment: Deployment) -> ImageUse:
        """The image of a version that is active. Raises PortError: it was here, or was where it can be had again."""
        try:
            return await self.use(deployment)
        except ImageError as e:
            raise PortError(f"the function's container image cannot be run: {e}") from e

    async def use(self, deployment: Deployment) -> ImageUse:
        """The image as a sandbox runs it. Raises ImageError, PortError."""
        code, settings = deployment.code, deployment.settings
        assert code.image is not None
        digest = DIGEST_PREFIX + code.sha256
        pinned = PinnedImage(
            uri=code.image.uri,
            resolved_uri=code.image.resolved_uri,
            digest=digest,
            architecture=settings.architecture,
        )
        image = await self._here().unpack(pinned)
        entry_point, command, working_dir = rules.command(
            settings.image_config, image.entry_point, image.command, image.working_dir
        )
        return ImageUse(
            digest=digest,
            root=image.root,
            entry_point=entry_point,
            command=command,
            working_dir=working_dir,
            environment=image.environment,
        )

    async def start_collecting(self) -> None:
        """Deletes, in the background, images that no version has."""
        if self._images is not None:
            self._collector = asyncio.create_task(self._collect(self._images), name="lambda-image-collector")

    async def collected(self) -> None:
        """Waits until the collection that `start_collecting` began is over."""
        if self._collector is not None:
            await self._collector

    async def stop(self) -> None:
        if self._collector is not None:
            self._collector.cancel()
            await asyncio.gather(self._collector, return_exceptions=True)

    async def _collect(self, images: Images) -> None:
        try:
            deleted = await images.collect(await self._database.read(_used))
        except PortError as e:  # nothing is lost by it: the next start collects
            log.warning("lambda.images.not_collected", extra={"reason": str(e)})
        else:
            log.info("lambda.images.collected", extra={"images": deleted})

    def _here(self) -> Images:
        if self._images is None:
            raise ImageError(ImageFault.NOT_HERE, NOT_HERE)
        return self._images


def _used(tx: Transaction) -> set[str]:
    return {
        DIGEST_PREFIX + deployment.code.sha256
        for deployment in store.deployments(tx)
        if deployment.code.image is not None
    }
