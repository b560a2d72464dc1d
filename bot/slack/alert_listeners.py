"""What happens when a person takes or explains an alert."""

from slack_bolt.async_app import AsyncApp

from bot.alerts import Alerts, Changed, TooLateForAlert
from bot.clock import Clock
from bot.policy_in_force import PolicyInForce
from bot.reviewing.people import Refusal
from bot.slack import alert_modal
from bot.slack.alert_card import ACKNOWLEDGE, ROOT_CAUSE, AlertView, alert_view, taken
from bot.slack.interaction import Click, Submission
from bot.slack.modal import FieldErrors, View, notice_modal
from bot.slack.reception import Answer, Reception, beside_fields, returned
from bot.slack.verdict_forms import refused
from store.alerts import Alert

_UNKNOWN = "This alert does not exist any more, so nothing was changed."


class AlertPresenter:
    """Puts together what an alert shows, by the policy of the moment."""

    def __init__(self, policy: PolicyInForce) -> None:
        self._policy = policy

    def view(self, alert: Alert) -> AlertView:
        return alert_view(alert, self._policy.current.task(alert.task_type).redact)


class AlertListeners:
    def __init__(self, *, reception: Reception, alerts: Alerts, presenter: AlertPresenter, clock: Clock) -> None:
        self._reception, self._alerts = reception, alerts
        self._presenter, self._clock = presenter, clock

    def register(self, app: AsyncApp) -> None:
        app.action(ACKNOWLEDGE)(self._reception.click(self._acknowledge))
        app.action(ROOT_CAUSE)(self._reception.click(self._open_root_cause))
        app.view(alert_modal.CALLBACK)(self._reception.form(self._resolve))

    async def _acknowledge(self, click: Click) -> None:
        alert = await self._alerts.find(click.review_id)
        if alert is None:
            await self._reception.private.tell(click, _UNKNOWN)
            return
        match await self._alerts.acknowledge(alert, click.reviewer):
            case Changed() | TooLateForAlert(repeated=True):
                pass  # the card says who has it
            case TooLateForAlert(current):
                await self._reception.private.tell(click, taken(current))
            case Refusal() as refusal:
                await self._reception.private.tell(click, refused(refusal))

    async def _open_root_cause(self, click: Click) -> None:
        async def build() -> View:
            alert = await self._alerts.find(click.review_id)
            if alert is None:
                return notice_modal("Root cause", _UNKNOWN)
            if alert.status == "resolved":
                return notice_modal("Root cause", taken(alert))
            refusal = await self._alerts.refusal(alert, click.reviewer)
            if refusal is not None:
                return notice_modal("Root cause", refused(refusal))
            return alert_modal.root_cause_modal(self._presenter.view(alert), self._clock.now())

        await self._reception.open_view(click.trigger_id, "Root cause", build())

    async def _resolve(self, submission: Submission) -> Answer:
        alert = await self._alerts.find(submission.review_id)
        if alert is None:
            return returned(submission, "Not found", _UNKNOWN)
        root = alert_modal.parse_root_cause(submission.view.values, self._clock.now())
        if isinstance(root, FieldErrors):
            if alert.status == "resolved":  # mending them would be in vain
                return returned(submission, "Already resolved", taken(alert))
            return beside_fields(submission, root.errors)
        match await self._alerts.resolve(alert, submission.reviewer, root):
            case Changed() | TooLateForAlert(repeated=True):
                return Answer()
            case TooLateForAlert(current):
                return returned(submission, "Already resolved", taken(current))
            case Refusal() as refusal:
                return returned(submission, "Not saved", refused(refusal))
