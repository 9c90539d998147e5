"""The Web API's `users.*`, `auth.test` and `api.test` methods."""

from collections.abc import Mapping

from infra.local.slack.arguments import Arguments
from infra.local.slack.errors import SlackError
from infra.local.slack.model import BOT_ID, TEAM_DOMAIN, TEAM_ID, Json, Workspace
from infra.local.slack.paging import page
from infra.local.slack.rendering import user_json
from infra.local.slack.web_api import Method


class UserMethods:
    """Who is in the workspace, and who is calling."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def table(self) -> Mapping[str, Method]:
        """The methods by their names."""
        return {
            "api.test": self.api_test,
            "auth.test": self.auth_test,
            "users.info": self.info,
            "users.list": self.list,
            "users.lookupByEmail": self.lookup_by_email,
        }

    def api_test(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/api.test"""
        if arguments.text("error"):
            raise SlackError(arguments.text("error"))
        sent = arguments.as_sent()
        return {"args": sent} if sent else {}

    def auth_test(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/auth.test"""
        del arguments  # it takes none but the token
        return {
            "url": f"{self._workspace.base_url}/sim/slack",
            "team": TEAM_DOMAIN,
            "user": self._workspace.bot.handle,
            "team_id": TEAM_ID,
            "user_id": self._workspace.bot.id,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def info(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/users.info"""
        person = self._workspace.member(arguments.required("user"))
        if person is None:
            raise SlackError("user_not_found")
        return {"user": user_json(person)}

    def list(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/users.list"""
        part = page(arguments, (*self._workspace.people, self._workspace.bot))
        return {
            "members": [user_json(person) for person in part.items],
            "response_metadata": {"next_cursor": part.next_cursor},
        }

    def lookup_by_email(self, arguments: Arguments) -> Json:
        """https://docs.slack.dev/reference/methods/users.lookupByEmail"""
        email = arguments.required("email").lower()
        for person in self._workspace.people:
            if person.email.lower() == email:
                return {"user": user_json(person)}
        raise SlackError("users_not_found")
