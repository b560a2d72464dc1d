"""Uploading a file in three steps, kept in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.arguments import Arguments
from bot.sandbox.chat import Chat
from bot.sandbox.errors import SlackError
from bot.sandbox.scopes import Scopes
from bot.sandbox.world import World

Json = dict[str, Any]
PROCESSING_SECONDS = 1.0
"""Slack looks at a fresh upload for a while; until then `files.info` knows no type of it."""


@dataclass
class StoredFile:
    id: str
    name: str
    length: int
    alt_text: str
    title: str = ""
    content: bytes | None = None
    ready_at: datetime | None = None
    """None until the upload was completed."""

    @property
    def mimetype(self) -> str:
        return "image/png" if self.name.lower().endswith(".png") else "application/octet-stream"


class Files:
    def __init__(self, world: World, scopes: Scopes, chat: Chat, site: Callable[[], str]) -> None:
        self._world = world
        self._scopes = scopes
        self._chat = chat
        self._site = site
        self._files: dict[str, StoredFile] = {}
        self.methods: dict[str, Callable[[Arguments], Json]] = {
            "files.getUploadURLExternal": self.get_upload_url,
            "files.completeUploadExternal": self.complete,
            "files.info": self.info,
        }

    def get_upload_url(self, args: Arguments) -> Json:
        self._scopes.require("files:write")
        name, length = args.text("filename"), int(args.text("length"))
        file = StoredFile(self._world.new_id("F"), name, length, args.optional_text("alt_txt") or "")
        self._files[file.id] = file
        return {"upload_url": f"{self._site()}/upload/{file.id}", "file_id": file.id}

    def receive(self, file_id: str, content: bytes) -> None:
        """The bytes that were posted to the upload URL."""
        file = self._file(file_id)
        if len(content) != file.length:
            raise SlackError("file_upload_size_mismatch")
        file.content = content

    def complete(self, args: Arguments) -> Json:
        self._scopes.require("files:write")
        named = args.objects("files", "invalid_arguments")
        files = [self._file(str(item.get("id"))) for item in named if isinstance(item, dict)]
        if not files or any(file.content is None for file in files):
            raise SlackError("file_not_found")
        for file, item in zip(files, named, strict=True):
            file.title = item.get("title") or file.name
            file.ready_at = self._world.now() + timedelta(seconds=PROCESSING_SECONDS)
        if args.optional_text("channel_id"):
            self._share(args, files)
        return {"files": [self._json(file) for file in files]}

    def info(self, args: Arguments) -> Json:
        self._scopes.require("files:read")
        return {"file": self._json(self._file(args.text("file")))}

    def content(self, file_id: str) -> tuple[str, bytes]:
        """Type and bytes, for the page."""
        file = self._file(file_id)
        if file.content is None:
            raise SlackError("file_not_found")
        return file.mimetype, file.content

    def _share(self, args: Arguments, files: list[StoredFile]) -> None:
        channel = args.text("channel_id")
        text = args.optional_text("initial_comment") or files[0].title
        self._chat.share(channel, text, args.optional_text("thread_ts"), [file.id for file in files])

    def _file(self, file_id: str) -> StoredFile:
        try:
            return self._files[file_id]
        except KeyError:
            raise SlackError("file_not_found") from None

    def _json(self, file: StoredFile) -> Json:
        ready = file.ready_at is not None and self._world.now() >= file.ready_at
        return {
            "id": file.id,
            "name": file.name,
            "title": file.title,
            "size": file.length,
            "alt_txt": file.alt_text,
            "mimetype": file.mimetype if ready else "",
            "url_private": f"{self._site()}/files/{file.id}",
            "user": self._world.bot.id,
        }
