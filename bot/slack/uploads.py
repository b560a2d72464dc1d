"""Files that a message shows: uploaded to Slack, and shared with nobody until a message names them."""

from http import HTTPStatus

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.slack.messages import error_code, status_of

_LOOKS = 10
_BETWEEN_LOOKS = 1.0


class FileRefusedError(Exception):
    """Slack does not take files from us, and asking again changes nothing. `code` is its own word."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack refuses the file: {code}")
        self.code = code


class Uploads:
    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    async def upload(self, name: str, content: bytes, alt_text: str) -> str:
        """The id of the uploaded file. Raises FileRefusedError, or what slack_sdk raises where another attempt may
        succeed."""
        try:
            answer = await self._client.files_upload_v2(filename=name, content=content, title=name, alt_txt=alt_text)
        except SlackApiError as error:
            raise _told(error) from error
        return str(answer["files"][0]["id"])

    async def is_ready(self, file_id: str) -> bool:
        """Waits some seconds until Slack has looked at it; a message that names it before is refused. Raises as
        `upload`."""
        for look in range(_LOOKS):
            if look:
                await self._clock.sleep(_BETWEEN_LOOKS)
            try:
                answer = await self._client.files_info(file=file_id)
            except SlackApiError as error:
                raise _told(error) from error
            if answer["file"].get("mimetype"):
                return True
        return False


def _told(error: SlackApiError) -> Exception:
    status = status_of(error)
    passes = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return error if passes else FileRefusedError(error_code(error))
