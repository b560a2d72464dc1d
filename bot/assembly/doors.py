"""The HTTP API."""

from typing import Protocol

from aiohttp import web

from bot.assembly.services import Services
from bot.executions import Executions
from bot.web.alerts import AlertApi
from bot.web.api import DecisionApi
from bot.web.auth import Authenticator
from bot.web.calibration import CalibrationApi
from bot.web.executions import ExecutionApi
from bot.web.stats import StatsApi


class Door(Protocol):
    def routes(self) -> list[web.RouteDef]: ...


def doors(services: Services, auth: Authenticator) -> tuple[Door, ...]:
    executions = Executions(clock=services.clock, writer=services.writer, find=services.intake.find)
    return (
        DecisionApi(auth, services.intake, services.box),
        ExecutionApi(auth, executions),
        AlertApi(auth, services.alerts),
        StatsApi(auth, services.engine, services.policy, services.clock),
        CalibrationApi(auth, services.stores.calibrations),
    )
