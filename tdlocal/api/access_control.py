"""/v3/access_control: policies and whom they are attached to."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.users import User
from tdlocal.api.wire import Fault, Request, route

SOURCE = "Treasure Data API description v3 (access control); treasure-boxes basic_monitoring"
KEPT = "kept and shown, never enforced: every user of this account may do everything"
AREA = "/v3/access_control"


@route("GET", f"{AREA}/policies", source=SOURCE)
def list_policies(account: Account, request: Request) -> Any:
    return account.policies.all()


@route("POST", f"{AREA}/policies", source=SOURCE, partly=KEPT)
def create_policy(account: Account, request: Request) -> Any:
    given = policy_in(request)
    return account.policies.create(given.get("name"), given.get("description"))


@route("GET", f"{AREA}/policies/{{policy}}", source=SOURCE)
def show_policy(account: Account, request: Request, policy: str) -> Any:
    return account.policies.show(policy)


@route("PATCH", f"{AREA}/policies/{{policy}}", source=SOURCE)
def update_policy(account: Account, request: Request, policy: str) -> Any:
    return account.policies.update(policy, policy_in(request))


@route("DELETE", f"{AREA}/policies/{{policy}}", source=SOURCE)
def delete_policy(account: Account, request: Request, policy: str) -> Any:
    return account.policies.delete(policy)


@route("GET", f"{AREA}/policies/{{policy}}/permissions", source=SOURCE)
def permissions(account: Account, request: Request, policy: str) -> Any:
    return account.policies.content(policy, "permissions")


@route("PATCH", f"{AREA}/policies/{{policy}}/permissions", source=SOURCE, partly=KEPT)
def set_permissions(account: Account, request: Request, policy: str) -> Any:
    return account.policies.set_content(policy, "permissions", request.json)


@route("GET", f"{AREA}/policies/{{policy}}/column_permissions", source=SOURCE)
def column_permissions(account: Account, request: Request, policy: str) -> Any:
    return account.policies.content(policy, "column_permissions")


@route("PATCH", f"{AREA}/policies/{{policy}}/column_permissions", source=SOURCE, partly=KEPT)
def set_column_permissions(account: Account, request: Request, policy: str) -> Any:
    return account.policies.set_content(policy, "column_permissions", member(request, "column_permissions"))


@route("GET", f"{AREA}/policies/{{policy}}/users", source=SOURCE)
def policy_users(account: Account, request: Request, policy: str) -> Any:
    account.policies.show(policy)
    return [reference(account.users.with_id(number)) for number in account.policies.users_of(policy)]


@route("PATCH", f"{AREA}/policies/{{policy}}/users", source=SOURCE)
def set_policy_users(account: Account, request: Request, policy: str) -> Any:
    account.policies.set_users(policy, member(request, "user_ids"))
    found = [account.users.with_id(number) for number in account.policies.users_of(policy)]
    return [user_json(account, user) for user in found]


@route("POST", f"{AREA}/policies/{{policy}}/users/{{user}}", source=SOURCE)
@route("POST", f"{AREA}/users/{{user}}/policies/{{policy}}", source=SOURCE)
def attach(account: Account, request: Request, policy: str, user: str) -> Any:
    return account.policies.attach(policy, user, on=True)


@route("DELETE", f"{AREA}/policies/{{policy}}/users/{{user}}", source=SOURCE)
@route("DELETE", f"{AREA}/users/{{user}}/policies/{{policy}}", source=SOURCE)
def detach(account: Account, request: Request, policy: str, user: str) -> Any:
    return account.policies.attach(policy, user, on=False)


@route("GET", f"{AREA}/users", source=SOURCE)
def list_users(account: Account, request: Request) -> Any:
    return [user_json(account, user) for user in account.users.all()]


@route("GET", f"{AREA}/users/{{user}}", source=SOURCE)
def show_user(account: Account, request: Request, user: str) -> Any:
    return user_json(account, account.users.with_id(user))


@route("PATCH", f"{AREA}/users/{{user}}/permissions", source=SOURCE, partly=KEPT)
def set_user_permissions(account: Account, request: Request, user: str) -> Any:
    return {
        "user_id": account.users.with_id(user).id,
        "permissions": account.policies.permit(user, request.json),
    }


@route("GET", f"{AREA}/users/{{user}}/policies", source=SOURCE)
def user_policies(account: Account, request: Request, user: str) -> Any:
    return account.policies.of_user(user)


@route("PATCH", f"{AREA}/users/{{user}}/policies", source=SOURCE)
def set_user_policies(account: Account, request: Request, user: str) -> Any:
    account.policies.set_policies(user, member(request, "policy_ids"))
    return account.policies.of_user(user)


def policy_in(request: Request) -> dict[str, Any]:
    """The `policy` of a body."""
    given = member(request, "policy")
    if not isinstance(given, dict):
        raise Fault(422, "policy must be an object")
    return given


def member(request: Request, name: str) -> Any:
    """A member of a JSON body."""
    if not isinstance(request.json, dict) or name not in request.json:
        raise Fault(422, f"the body must be an object with {name}")
    return request.json[name]


def reference(user: User) -> dict[str, Any]:
    return {"user_id": user.id, "account_id": 1, "email": user.email, "name": user.name}


def user_json(account: Account, user: User) -> dict[str, Any]:
    """A user with what he is permitted."""
    return {
        "user_id": user.id,
        "account_id": 1,
        "permissions": account.policies.permissions_of(user.id),
        "policies": account.policies.of_user(user.id),
    }
