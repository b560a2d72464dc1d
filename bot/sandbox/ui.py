"""What the sandbox's page asks and is told. `as` names the person one acts as; there are no passwords here."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from yarl import URL

from bot.sandbox.actor import Actor
from bot.sandbox.errors import SlackError
from bot.sandbox.events import Events
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.files import Files
from bot.sandbox.sight import NotPossibleError
from bot.sandbox.talk import Talk
from bot.sandbox.world import Person, World

Json = dict[str, Any]
PAGE = Path(__file__).parent / "page"
MESSAGES_SHOWN = 200
Act = Callable[[Person, Json], Awaitable[Json]]


class Ui:
    def __init__(
        self,
        world: World,
        *,
        actor: Actor,
        talk: Talk,
        events: Events,
        faults: Faults,
        files: Files,
        app_lines: list[Json],
    ) -> None:
        self._world = world
        self._actor = actor
        self._talk = talk
        self._events = events
        self._faults = faults
        self._files = files
        self._app_lines = app_lines

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/ui/state", self._read(self._state))
        app.router.add_get("/ui/messages", self._read(self._messages))
        app.router.add_get("/ui/ws", self._watch)
        app.router.add_get("/ui/faults", self._list_faults)
        app.router.add_post("/ui/faults", self._change_faults)
        app.router.add_get("/ui/app", self._app)
        acts: dict[str, Act] = {
            "message": self._message,
            "edit": self._edit,
            "delete": self._delete,
            "command": self._command,
            "shortcut": self._shortcut,
            "action": self._action,
            "view_submit": self._view_submit,
            "view_close": self._view_close,
            "home": self._home,
        }
        for name, act in acts.items():
            app.router.add_post(f"/ui/{name}", self._act(act))
        app.router.add_get("/files/{id}", self._file)
        app.router.add_get("/archives/{channel}/{message}", self._permalink)
        if PAGE.is_dir():
            app.router.add_get("/", _index)
            app.router.add_static("/page/", PAGE)

    # -- translating

    def _person(self, user_id: Any) -> Person:
        """Without a name, the first person there is."""
        for person in self._world.people.values():
            if not person.is_bot and user_id in (None, person.id):
                return person
        raise NotPossibleError(f"nobody to act as: {user_id}")

    def _read(self, show: Callable[[Person, Mapping[str, str]], Json]) -> Callable[[web.Request], Awaitable[Any]]:
        async def handler(request: web.Request) -> web.Response:
            try:
                return web.json_response(show(self._person(request.query.get("as")), request.query))
            except (LookupError, SlackError) as error:
                return _wrong(error)

        return handler

    def _act(self, act: Act) -> Callable[[web.Request], Awaitable[Any]]:
        async def handler(request: web.Request) -> web.Response:
            try:
                body = await _json_body(request)
                return web.json_response(await act(self._person(body.get("as")), body))
            except (LookupError, ValueError, SlackError) as error:
                return _wrong(error)

        return handler

    # -- showing

    def _state(self, me: Person, query: Mapping[str, str]) -> Json:
        world = self._world
        home = world.homes.get(me.id)
        entries = self._actor.entries
        return {
            "team": {"name": "Sandbox"},
            "me": person_for_page(me),
            "people": [person_for_page(person) for person in world.people.values() if not person.is_bot],
            "bot": person_for_page(world.bot),
            "usergroups": [{"id": group.id, "handle": group.handle} for group in world.usergroups.values()],
            "channels": [world.channel_for(channel, me.id) for channel in world.channels_of(me.id)],
            "views": [world.view_json(view) for view in world.stacks[me.id]],
            "home": world.view_json(home) if home else None,
            "commands": [{"command": e.name, "description": e.description} for e in entries if e.type == "command"],
            "shortcuts": [
                {"name": e.name, "callback_id": e.callback_id, "type": e.type} for e in entries if e.type != "command"
            ],
        }

    def _messages(self, me: Person, query: Mapping[str, str]) -> Json:
        channel_id, thread = query.get("channel", ""), query.get("thread")
        if me.id not in self._world.channel(channel_id).members:
            raise NotPossibleError(f"{me.id} is not in {channel_id}")
        private = [m for m in self._world.ephemerals if (m.channel, m.ephemeral_to) == (channel_id, me.id)]
        if thread is None:
            shown = [*self._world.top_level(channel_id), *(m for m in private if m.thread_ts is None)]
        else:
            parent = self._world.message(channel_id, thread)
            replies = self._world.replies(channel_id, parent.ts)
            shown = [parent, *replies, *(m for m in private if m.thread_ts == thread)]
        shown.sort(key=lambda message: message.ts)
        if thread is None:
            shown = shown[-MESSAGES_SHOWN:]
        return {"messages": [self._world.message_for_page(message) for message in shown]}

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin is not None and URL(origin).authority != request.host:
            return web.json_response({"ok": False, "error": "another site's page may not listen"}, status=403)
        try:
            me = self._person(request.query.get("as"))
        except LookupError as error:
            return _wrong(error)
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        with self._world.feed.watch(me.id) as queue:
            await socket.send_json({"type": "presence", "now": self._world.now().isoformat()})
            sending = asyncio.create_task(_forward(queue, socket))
            async for frame in socket:
                if frame.type == WSMsgType.ERROR:
                    break
            sending.cancel()
        return socket

    async def _app(self, request: web.Request) -> web.Response:
        return web.json_response({"receiver": self._app_lines})

    async def _file(self, request: web.Request) -> web.Response:
        try:
            content_type, content = self._files.content(request.match_info["id"])
        except SlackError as error:
            return _wrong(error, status=404)
        headers = {"X-Content-Type-Options": "nosniff"}
        return web.Response(body=content, content_type=content_type, headers=headers)

    async def _permalink(self, request: web.Request) -> web.Response:
        """A permalink opens the page at the message's thread."""
        ticks = request.match_info["message"].removeprefix("p")
        thread = request.query.get("thread_ts") or f"{ticks[:-6]}.{ticks[-6:]}"
        raise web.HTTPFound(URL("/").with_fragment(f"//{request.match_info['channel']}/thread/{thread}"))

    # -- acting

    async def _message(self, me: Person, body: Json) -> Json:
        subtype = "thread_broadcast" if body.get("broadcast") is True else None
        where, text = str(body["channel"]), str(body["text"])
        message, event = self._talk.write(me.id, where, text, body.get("thread_ts"), subtype)
        self._events.announce(event)
        return {"ok": True, "ts": message.ts}

    async def _edit(self, me: Person, body: Json) -> Json:
        self._events.announce(self._talk.rewrite(me.id, str(body["channel"]), str(body["ts"]), str(body["text"])))
        return {"ok": True}

    async def _delete(self, me: Person, body: Json) -> Json:
        self._events.announce(self._talk.withdraw(me.id, str(body["channel"]), str(body["ts"])))
        return {"ok": True}

    async def _command(self, me: Person, body: Json) -> Json:
        sent = self._actor.command(me.id, str(body["channel"]), str(body["command"]), str(body.get("text") or ""))
        return await self._start(sent)

    async def _shortcut(self, me: Person, body: Json) -> Json:
        callback_id, channel, ts = str(body["callback_id"]), body.get("channel"), body.get("ts")
        if channel and ts:
            return await self._start(self._actor.message_shortcut(me.id, callback_id, str(channel), str(ts)))
        return await self._start(self._actor.shortcut(me.id, callback_id))

    async def _action(self, me: Person, body: Json) -> Json:
        action, values = body["action"], (body.get("state") or {}).get("values", body.get("state") or {})
        value = _picked(action)
        action_id, more = str(body["action_id"]), {"block_id": body.get("block_id"), "values": values}
        if view_id := body.get("view_id"):
            return await self._start(self._actor.click_in_view(me.id, str(view_id), action_id, value, **more))
        channel, ts = str(body["channel"]), str(body["ts"])
        return await self._start(self._actor.click(me.id, channel, ts, action_id, value, **more))

    async def _view_submit(self, me: Person, body: Json) -> Json:
        ack = await self._actor.submit_view(me.id, str(body["view_id"]), body.get("values") or {})
        if ack.errors:
            return {"ok": False, "errors": ack.errors}
        return {"ok": True} if ack.ok else {"ok": False, "error": ack.error}

    async def _view_close(self, me: Person, body: Json) -> Json:
        return await self._start(
            self._actor.close_view(me.id, str(body["view_id"]), everything=body.get("all") is True)
        )

    async def _home(self, me: Person, body: Json) -> Json:
        self._events.announce(self._actor.home_opened(me.id))
        return {"ok": True}

    async def _start(self, work: Awaitable[Any]) -> Json:
        """Answer as soon as it is sent; a late or bad acknowledgement reaches the page as a toast."""
        task = self._events.spawn(work)
        await asyncio.sleep(0)
        if task.done():
            task.result()
        return {"ok": True}

    # -- faults

    async def _list_faults(self, request: web.Request) -> web.Response:
        return web.json_response({"faults": self._faults.as_json()})

    async def _change_faults(self, request: web.Request) -> web.Response:
        try:
            body = await _json_body(request)
            match body.pop("op", None):
                case "add":
                    self._faults.add(Fault(**body))
                case "clear":
                    self._faults.clear()
                case other:
                    raise NotPossibleError(f"op must be add or clear, not {other}")
        except (LookupError, ValueError, TypeError) as error:
            return _wrong(error)
        return web.json_response({"ok": True, "faults": self._faults.as_json()})


def person_for_page(person: Person) -> Json:
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "color": person.color,
        "is_bot": person.is_bot,
    }


def _picked(action: Json) -> Any:
    """What was chosen in an element's own form: the member that is neither its type nor a label."""
    for name, value in action.items():
        if name.startswith("selected_"):
            return value
    return action.get("value")


async def _json_body(request: web.Request) -> Json:
    # Another site's page cannot send this content type without asking first, and we do not answer such questions.
    if request.content_type != "application/json":
        raise ValueError("send application/json")
    body = json.loads(await request.read())
    if not isinstance(body, dict):
        raise ValueError("send a JSON object")
    return body


def _wrong(error: Exception, *, status: int = 400) -> web.Response:
    reason = f"missing: {error.args[0]}" if isinstance(error, KeyError) else str(error)
    return web.json_response({"ok": False, "error": reason}, status=status)


async def _forward(queue: "asyncio.Queue[Json]", socket: web.WebSocketResponse) -> None:
    while True:
        await socket.send_json(await queue.get())


async def _index(request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")
