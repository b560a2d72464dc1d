"""JSON Schemas of the policy: linear-time patterns, and no schema from elsewhere."""

from typing import Any, NoReturn

from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for

_MASK = "the value"
"""What stands for content in messages: they are kept among the facts, which outlive the content."""
_LONGEST_MESSAGE = 300  # a message quotes the instance, which can be as large as the output


class _RemoteReferenceError(Exception):
    """A schema points outside itself."""


def _refuse(uri: str) -> NoReturn:
    raise _RemoteReferenceError(uri)


def compile_schema(schema: dict[str, Any]) -> Validator:
    """Compile a JSON Schema; ValueError says what is wrong with it, a remote `$ref` included."""
    try:
        return validator_for(schema, pattern_options=RegexOptions(), retriever=_refuse, mask=_MASK)
    except ValidationError as error:
        raise ValueError(f"invalid schema: {_readable(error)}") from None


def describe(error: ValidationError) -> str:
    """The error in one line, with the place in the instance unless that is its root."""
    path = ".".join(str(part) for part in error.instance_path)
    text = error.message if len(error.message) <= _LONGEST_MESSAGE else f"{error.message[:_LONGEST_MESSAGE]}…"
    return f"{path}: {text}" if path else text


def _readable(error: ValidationError) -> str:
    uri, separator, _ = error.message.partition(" is not present in a registry")
    return f"{uri} is remote; a schema may refer only to itself" if separator else describe(error)
