"""The edge's own answers: errors that belong to no service's model."""

from ramuda.kernel.errors import ApiError, Fault, PortError


def unsupported(message: str) -> ApiError:
    """Something AWS has and this server has not. 501, which no AWS client tries again by itself."""
    return ApiError("UnsupportedOperationException", message, status=501, fault="Server")


def unknown_service() -> ApiError:
    return ApiError(
        "UnknownServiceException",
        "Could not tell which AWS service this request is for: it has no signature, no X-Amz-Target header, and "
        "neither host nor path name one.",
        status=400,
    )


def unavailable(error: PortError) -> ApiError:
    """An adapter could not do its work. Clients try again by themselves, so a hopeless case is a 500 of its own
    kind."""
    headers = {} if error.retry_after_s is None else {"Retry-After": str(max(1, round(error.retry_after_s)))}
    if error.retryable:
        return ApiError("ServiceUnavailableException", str(error), status=503, fault="Server", headers=headers)
    return ApiError("ServiceException", str(error), status=500, fault="Server", headers=headers)


def internal_failure() -> ApiError:
    """A bug of ours; what it was is in the log, under the request's id."""
    return ApiError(
        "ServiceException", "An internal error occurred. The server's log has more.", status=500, fault="Server"
    )


_REFUSALS = {
    400: ("BadRequestException", "The request is not HTTP/1.1."),
    413: ("RequestEntityTooLargeException", "Request must be smaller than {body_bytes} bytes"),
    431: ("RequestHeaderFieldsTooLargeException", "Request line and headers must be smaller than {head_bytes} bytes"),
}


def refused(status: int, *, body_bytes: int, head_bytes: int) -> ApiError:
    """A request that the HTTP server does not take."""
    code, message = _REFUSALS.get(status, ("ServiceException", "An internal error occurred."))
    fault: Fault = "Client" if status < 500 else "Server"
    return ApiError(code, message.format(body_bytes=body_bytes, head_bytes=head_bytes), status=status, fault=fault)
