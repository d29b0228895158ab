"""AWS's own sentences for what Lambda refuses, each in one place. Recorded from AWS unless a comment says otherwise."""

from ramuda.kernel import limits
from ramuda.kernel.errors import ApiError

USER = {"Type": "User"}
NO_TYPE = {"Type": None}
"""For the few errors that AWS answers without a `Type` (recorded): it is left out then."""


def invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", message, members=USER)


def not_found(message: str) -> ApiError:
    return ApiError("ResourceNotFoundException", message, members=USER)


def conflict(message: str) -> ApiError:
    return ApiError("ResourceConflictException", message, members=USER)


def function_not_found(arn: str) -> ApiError:
    return not_found(f"Function not found: {arn}")


def qualifier_mismatch() -> ApiError:
    return invalid("The derived qualifier from the function name does not match the specified qualifier.")


def other_region(there: str, here: str) -> ApiError:
    return not_found(f"Functions from '{there}' are not reachable in this region ('{here}')")


def other_account() -> ApiError:
    return ApiError("AccessDeniedException", None, status=403)


def functions_only() -> ApiError:
    return invalid(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN."
    )


def function_exists(name: str) -> ApiError:
    return conflict(f"Function already exist: {name}")  # AWS's grammar; as its users quote it


def not_active(state: str) -> ApiError:
    return conflict(
        "The operation cannot be performed at this time. "
        f"The function is currently in the following state: {state}"  # as AWS's users quote it
    )


def update_in_progress(arn: str) -> ApiError:
    return conflict(f"The operation cannot be performed at this time. An update is in progress for resource: {arn}")


def stale_revision() -> ApiError:
    return ApiError(
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
        members=USER,
    )


def other_code(wanted: str, current: str) -> ApiError:
    return invalid(
        f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({current}). "
        "Please try again with the CodeSHA256 in $LATEST."
    )


def latest_not_deletable() -> ApiError:
    return invalid("$LATEST version cannot be deleted without deleting the function.")


def not_a_zip() -> ApiError:
    return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")


def zip_too_large() -> ApiError:
    message = f"Zipped size must be smaller than {limits.ZIP_UPLOAD_BYTES} bytes"
    return ApiError("RequestEntityTooLargeException", message, status=413)


def upload_too_large(operation: str) -> ApiError:
    message = f"Request must be smaller than {limits.CREATE_REQUEST_BYTES} bytes for the {operation} operation"
    return ApiError("RequestEntityTooLargeException", message, status=413)


def unzipped_too_large() -> ApiError:
    return invalid(f"Unzipped size must be smaller than {limits.UNZIPPED_BYTES} bytes")


def code_storage_full() -> ApiError:
    return ApiError("CodeStorageExceededException", "Code storage limit exceeded.", members=USER)


def s3_failed(code: str, message: str | None) -> ApiError:
    return invalid(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")


def role_not_assumable() -> ApiError:
    return invalid("The role defined for the function cannot be assumed by Lambda.")


def environment(what: str) -> ApiError:
    return invalid(
        "Lambda was unable to configure your environment variables because "
        f"the environment variables you have provided {what}"
    )


def too_many_tags() -> ApiError:
    return invalid("Number of tags exceeds resource tag limit.")


def tags_need_a_function() -> ApiError:
    return invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")


def nothing_to_tag() -> ApiError:
    return invalid("An error occurred and the request cannot be processed.")


def unreserved_too_low() -> ApiError:
    return ApiError(
        "InvalidParameterValueException",
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        f"below its minimum value of [{limits.UNRESERVED_CONCURRENCY_MIN}].",
        members=NO_TYPE,
    )


def request_too_large(limit_bytes: int) -> ApiError:
    message = f"Request must be smaller than {limit_bytes} bytes for the InvokeFunction operation"
    return ApiError("RequestTooLargeException", message, members=USER)


def bad_request(message: str) -> ApiError:
    return ApiError("InvalidRequestContentException", message, members=USER)


def throttled(reason: str, retry_after_s: int) -> ApiError:
    # At the reserved concurrency AWS does not say when to come again (recorded): it cannot know.
    is_reserved = reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    return ApiError(
        "TooManyRequestsException",
        "Rate Exceeded.",
        members={"Reason": reason, "Type": "User"},
        headers={} if is_reserved else {"Retry-After": str(retry_after_s)},
    )


def invalid_marker() -> ApiError:
    return invalid("Invalid pagination token.")  # ours; a client never makes one up


def unsupported(what: str) -> ApiError:
    return invalid(f"{what} is not supported here yet.")  # ours
