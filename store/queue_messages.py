"""The messages that lead to a channel's queue: there is one of each, which is changed in place or posted anew."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables as t
from store.messages import NewMessage, add
from store.notify import Topic, notify
from store.writer import SingleCommand


@dataclass(frozen=True, slots=True)
class ShowQueue(SingleCommand[None]):
    """A `batch` or `more` message has to say something else. `anew`: as a new message at the end of the channel, after
    which the former one is taken away. The body tells the `newest` review that people were notified of."""

    message: NewMessage
    now: datetime
    anew: bool = False

    async def apply(self, connection: AsyncConnection) -> None:
        await add(connection, [self.message], self.now)
        c = t.messages.c
        mine = c.key == self.message.key
        row = (await connection.execute(select(t.messages).where(mine).with_for_update())).one()
        if self.anew and not self._may_be_anew(row):
            return  # whoever looks next sees why, or finds it done
        former = (row.body or {}).get("former")
        values: dict[str, object] = {"wanted": c.wanted + 1, "due_at": self.now}
        if self.anew:
            former = [row.message_channel, row.message_ts]
            values |= {"message_channel": None, "message_ts": None, "posting_since": None, "posted_at": None}
        values["body"] = {**(self.message.body or {}), "former": former}
        await connection.execute(update(t.messages).where(mine).values(**values))
        await notify(connection, Topic.REVIEWS)

    def _may_be_anew(self, row: Row[object]) -> bool:
        """Not while the message is being changed, nor while the one before it is still there; and another replica may
        have been quicker."""
        body, wanted = row.body or {}, self.message.body or {}
        is_leased = row.leased_until is not None and row.leased_until >= self.now
        is_told = body.get("newest") == wanted.get("newest")
        return row.message_ts is not None and not is_leased and not is_told and not body.get("former")


@dataclass(frozen=True, slots=True)
class ForgetFormer(SingleCommand[None]):
    """The message that another took the place of is gone."""

    pk: int

    async def apply(self, connection: AsyncConnection) -> None:
        c = t.messages.c
        body = await connection.scalar(select(c.body).where(c.pk == self.pk))
        await connection.execute(
            update(t.messages).where(c.pk == self.pk).values(body={**(body or {}), "former": None})
        )
