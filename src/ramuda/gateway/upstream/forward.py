"""A request passed on as it came, and its answer passed back as it comes. The only user of aiohttp, which is imported
when the first request is passed on: a server without delegated calls does not pay for it (20 MiB)."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.upstream.options import Options
from ramuda.kernel.errors import PortError, RamudaError

if TYPE_CHECKING:
    import aiohttp

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
)
_OURS = _HOP_BY_HOP | {"date", "server"}  # of an answer: our server says these itself
_WHOLE_BELOW_BYTES = 256 * 1024
_FIELD_BYTES = 64 * 1024


class Forwarder:
    """Sends requests to base URLs over kept connections."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, request: Request, extra_headers: Headers) -> Response:
        """Method, path, query, headers (Host too) and body go out unchanged. Raises PortError when `url` cannot be
        reached, and whatever reading a streamed body raises."""
        import aiohttp
        import yarl

        body = _Body(request.stream) if request.stream is not None else None
        target = f"{url}{request.path}?{request.query}" if request.query else f"{url}{request.path}"
        headers = [(name, value) for name, value in request.header_list() if name.lower() not in _HOP_BY_HOP]
        try:
            answer = await self._open_session().request(
                request.method,
                yarl.URL(target, encoded=True),
                data=request.body or None if body is None else body.pieces(),
                headers=[*headers, *extra_headers],
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError) as e:
            if body is not None and body.failure is not None:
                raise body.failure from None
            raise PortError(f"{url} does not answer: {e}", retryable=True) from e
        return await _response(answer, request.method)

    def _open_session(self) -> "aiohttp.ClientSession":
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=self._options.timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                max_line_size=_FIELD_BYTES,
                max_field_size=_FIELD_BYTES,
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class _Body:
    """A streamed body that remembers why it broke off, which aiohttp does not tell."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self.failure: RamudaError | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                yield piece
        except RamudaError as e:
            self.failure = e
            raise


async def _response(answer: "aiohttp.ClientResponse", method: str) -> Response:
    headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in _OURS]
    length = answer.content_length
    if method == "HEAD":
        answer.release()
        return Response(answer.status, headers)
    if length is not None and length <= _WHOLE_BELOW_BYTES:
        body = await _read_whole(answer)
        return Response(answer.status, [(n, v) for n, v in headers if n.lower() != "content-length"], body)
    return Response(answer.status, headers, _pieces(answer))


async def _read_whole(answer: "aiohttp.ClientResponse") -> bytes:
    import aiohttp

    try:
        return await answer.read()
    except (aiohttp.ClientError, TimeoutError) as e:
        raise PortError(f"{answer.url.origin()} broke off its answer: {e}", retryable=True) from e


async def _pieces(answer: "aiohttp.ClientResponse") -> AsyncIterator[bytes]:
    try:
        async for piece in answer.content.iter_any():
            yield piece
    finally:
        answer.close()
