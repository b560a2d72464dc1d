"""The HTTP API's handler for calibrations (contract §3)."""

from collections import Counter
from typing import Any

from aiohttp import web

from bot.answer import timestamp
from bot.calibrating.looks import categories_of, result_of
from bot.calibrating.telling import calibration_object
from bot.problem import Problem
from bot.web.api import json_response
from bot.web.auth import Authenticator
from bot.web.query import only
from routing.json_value import UNSTORABLE_TEXT
from store.calibrations import CalibrationStore, Look


class CalibrationApi:
    def __init__(self, auth: Authenticator, calibrations: CalibrationStore) -> None:
        self._auth, self._calibrations = auth, calibrations

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/calibration/{task_type}", self.get, allow_head=False)]

    async def get(self, request: web.Request) -> web.Response:
        """Of all apps that post decisions of the task: it is one policy that it is for. To an app that posts none, the
        task does not exist."""
        key = await self._auth.require(request, "read")
        only(request.query, ())
        task_type, app_pk = request.match_info["task_type"], key.sees
        look = None
        if not UNSTORABLE_TEXT.search(task_type):  # which PostgreSQL could not even be asked for
            look = await self._calibrations.latest(task_type, app_pk)
        if look is None:
            raise Problem("not_found", "There is no calibration of this task type yet, or your app posts none of it.")
        return json_response(look_object(look))


def look_object(look: Look) -> dict[str, Any]:
    """As `hitl calibrate --json`, with what it holds for."""
    stream, categories = look.stream, Counter(categories_of(look))
    return {
        **calibration_object(stream.task_type, result_of(look)),
        "model": {"name": stream.model_name or None, "version": stream.model_version or None},
        "confidence_source": stream.confidence_source,
        "calibrated_at": timestamp(look.at),
        "error_categories": [{"category": name or None, "count": count} for name, count in categories.most_common()],
    }
