"""Logging: one stable event name a record, to standard error, as text or as one JSON object a line."""

import logging
import sys
from typing import Literal

import structlog

# They speak of every request, with bodies and tokens, when left at DEBUG.
_NOISY = ("slack_sdk", "aiohttp", "asyncio", "alembic", "sqlalchemy")

_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


def set_up_logging(style: Literal["text", "json"], level: int = logging.INFO) -> None:
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.types.Processor] = (
        [_TRACEBACKS, structlog.processors.JSONRenderer()]
        if style == "json"
        # Tracebacks without the values of local variables, which may be secrets or a customer's words.
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, structlog.processors.UnicodeDecoder(), *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It reports requests that are no HTTP by quoting them, header lines with keys included; all else is ours to log.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
