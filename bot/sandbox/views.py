"""The views.* methods, and what a view_submission's answer may do to the stack of modals."""

from collections.abc import Callable
from typing import Any

from bot.sandbox import limits
from bot.sandbox.arguments import Arguments
from bot.sandbox.blocks import require_view
from bot.sandbox.errors import SlackError
from bot.sandbox.passes import Passes
from bot.sandbox.payloads import with_ids
from bot.sandbox.state import state_values
from bot.sandbox.world import View, World

Json = dict[str, Any]


class Views:
    def __init__(self, world: World, passes: Passes) -> None:
        self._world = world
        self._passes = passes
        self.methods: dict[str, Callable[[Arguments], Json]] = {
            "views.open": self.open,
            "views.push": self.push_by_trigger,
            "views.update": self.update,
            "views.publish": self.publish,
        }

    def open(self, args: Arguments) -> Json:
        trigger_id = args.text("trigger_id")
        body = self._checked(args, "modal")
        user = self._passes.redeem_trigger(trigger_id)
        self._world.stacks[user].clear()
        return {"view": self._world.view_json(self.push(user, body))}

    def push_by_trigger(self, args: Arguments) -> Json:
        trigger_id = args.text("trigger_id")
        body = self._checked(args, "modal")
        user = self._passes.redeem_trigger(trigger_id)
        if not self._world.stacks[user]:
            raise SlackError("not_found")
        return {"view": self._world.view_json(self.push(user, body))}

    def update(self, args: Arguments) -> Json:
        view = self._named(args)
        body = self._checked(args, view.body["type"], replacing=view)
        _require_hash(args, view)
        self.replace(view, body)
        return {"view": self._world.view_json(view)}

    def publish(self, args: Arguments) -> Json:
        user = self._world.person(args.text("user_id")).id
        current = self._world.homes.get(user)
        body = self._checked(args, "home", replacing=current)
        if current is None:
            view = View(self._world.new_id("V"), user, body, self._world.new_hash())
            view.root = view.id
            self._world.homes[user] = view
            self._world.show_home(user)
        else:
            view = current
            _require_hash(args, view)
            self.replace(view, body)
        return {"view": self._world.view_json(view)}

    def check(self, view: Any, surface: str, *, replacing: View | None = None) -> Json:
        """The view with ids filled in; SlackError if Slack would refuse it."""
        require_view(view, surface)
        external_id = view.get("external_id")
        taken = self._by_external_id(external_id) if external_id else None
        if taken is not None and taken is not replacing:
            raise SlackError("duplicate_external_id")
        return {**view, "blocks": with_ids(self._world, view["blocks"])}

    def push(self, user: str, body: Json) -> View:
        """A checked view on top of this person's modals."""
        stack = self._world.stacks[user]
        if len(stack) >= limits.MODAL_STACK:
            raise SlackError("push_limit_reached")
        view = View(self._world.new_id("V"), user, body, self._world.new_hash())
        view.previous = stack[-1].id if stack else None
        view.root = stack[0].id if stack else view.id
        stack.append(view)
        self._world.show_stack(user)
        return view

    def replace(self, view: View, body: Json) -> None:
        """Show a checked body in this view; what was entered stays, as `View.entered` says."""
        view.entered = state_values(view.body["blocks"], {}, view.entered)
        view.body, view.hash = body, self._world.new_hash()
        if body["type"] == "home":
            self._world.show_home(view.user)
        else:
            self._world.show_stack(view.user)

    def close(self, view: View, *, whole_stack: bool = False) -> None:
        """Close one modal with those above it, or all of them."""
        stack = self._world.stacks[view.user]
        del stack[0 if whole_stack else stack.index(view) :]
        self._world.show_stack(view.user)

    def _checked(self, args: Arguments, surface: str, *, replacing: View | None = None) -> Json:
        view = args.nested("view", "invalid_arguments")
        if view is None:
            raise SlackError("invalid_arguments", messages=["[ERROR] missing required field: view"])
        return self.check(view, surface, replacing=replacing)

    def _named(self, args: Arguments) -> View:
        if view_id := args.optional_text("view_id"):
            return self._world.view(view_id)
        view = self._by_external_id(args.text("external_id"))
        if view is None:
            raise SlackError("not_found")
        return view

    def _by_external_id(self, external_id: str) -> View | None:
        views = [*(view for stack in self._world.stacks.values() for view in stack), *self._world.homes.values()]
        return next((view for view in views if view.body.get("external_id") == external_id), None)


def _require_hash(args: Arguments, view: View) -> None:
    known = args.optional_text("hash")
    if known is not None and known != view.hash:
        raise SlackError("hash_conflict")
