"""Uploading a file in three steps, kept in memory."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bot.sandbox.arguments import Arguments
from bot.sandbox.chat import Chat
from bot.sandbox.errors import SlackError
from bot.sandbox.payloads import file_json
from bot.sandbox.scopes import Scopes
from bot.sandbox.world import StoredFile, World

Json = dict[str, Any]
MAX_FILE_BYTES = 8 * 1024 * 1024
PROCESSING_SECONDS = 1.0
"""Slack looks at a fresh upload for a while; until then `files.info` knows no type of it."""


class Files:
    def __init__(self, world: World, scopes: Scopes, chat: Chat) -> None:
        self._world = world
        self._scopes = scopes
        self._chat = chat
        self.methods: dict[str, Callable[[Arguments], Json]] = {
            "files.getUploadURLExternal": self.get_upload_url,
            "files.completeUploadExternal": self.complete,
            "files.info": self.info,
        }

    def get_upload_url(self, args: Arguments) -> Json:
        self._scopes.require("files:write")
        name, length = args.text("filename"), args.number("length", 0, MAX_FILE_BYTES)
        file = StoredFile(self._world.new_id("F"), name, length, args.optional_text("alt_txt") or "")
        self._world.files[file.id] = file
        return {"upload_url": f"{self._world.site}/upload/{file.id}", "file_id": file.id}

    def receive(self, file_id: str, content: bytes) -> None:
        """The bytes that were posted to the upload URL."""
        file = self._world.file(file_id)
        if len(content) != file.length:
            raise SlackError("file_upload_size_mismatch")
        file.content = content

    def complete(self, args: Arguments) -> Json:
        self._scopes.require("files:write")
        named = args.objects("files", "invalid_arguments")
        if not all(isinstance(item, dict) for item in named):
            raise SlackError("invalid_arguments")
        files = [self._world.file(str(item.get("id"))) for item in named]
        if not files or any(file.content is None for file in files):
            raise SlackError("file_not_found")
        for file, item in zip(files, named, strict=True):
            file.title = item.get("title") or file.name
            file.ready_at = self._world.now() + timedelta(seconds=PROCESSING_SECONDS)
        if args.optional_text("channel_id"):
            self._share(args, files)
        return {"files": [file_json(self._world, file, ready=False) for file in files]}

    def info(self, args: Arguments) -> Json:
        self._scopes.require("files:read")
        file = self._world.file(args.text("file"))
        return {"file": file_json(self._world, file, ready=self._world.is_ready(file))}

    def content(self, file_id: str) -> tuple[str, bytes]:
        """Type and bytes, for the page."""
        file = self._world.file(file_id)
        if file.content is None:
            raise SlackError("file_not_found")
        return file.mimetype, file.content

    def _share(self, args: Arguments, files: list[StoredFile]) -> None:
        channel = args.text("channel_id")
        text = args.optional_text("initial_comment") or files[0].title
        self._chat.share(
            channel, text, args.optional_text("thread_ts"), [file_json(self._world, file, ready=True) for file in files]
        )
