"""What a question itself can get wrong."""

from backends.errors import MemoryGatewayError


class InputError(MemoryGatewayError):
    """An argument that means nothing: the message states the value, what is allowed and the fix."""

    code = "BAD_USER_INPUT"
