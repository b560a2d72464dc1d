"""What a person sees in the sandbox: nobody can act on anything else."""

from bot.sandbox.world import Channel, Message, View, World


class NotPossibleError(LookupError):
    """The person does not see what was to be acted on: a button that is gone, a closed modal, a strange channel."""


class Sight:
    def __init__(self, world: World) -> None:
        self._world = world

    def channel(self, user: str, channel_id: str) -> Channel:
        channel = self._world.channels.get(channel_id)
        if channel is None or user not in channel.members:
            raise NotPossibleError(f"{user} is not in {channel_id}")
        return channel

    def message(self, user: str, channel: str, ts: str) -> Message:
        self.channel(user, channel)
        for message in self._world.ephemerals:
            if (message.channel, message.ts, message.ephemeral_to) == (channel, ts, user):
                return message
        found = self._world.messages[channel].get(ts)
        if found is None:
            raise NotPossibleError(f"no message {ts} in {channel}")
        return found

    def own_message(self, user: str, channel: str, ts: str) -> Message:
        message = self.message(user, channel, ts)
        if message.user != user:
            raise NotPossibleError(f"{ts} is not a message of {user}")
        return message

    def view(self, user: str, view_id: str) -> View:
        """An open modal, or the Home."""
        home = self._world.homes.get(user)
        for view in [*self._world.stacks[user], *([home] if home else [])]:
            if view.id == view_id:
                return view
        raise NotPossibleError(f"{user} has no view {view_id} open")

    def home(self, user: str) -> View:
        if user not in self._world.homes:
            raise NotPossibleError(f"no Home was published for {user}")
        return self._world.homes[user]
