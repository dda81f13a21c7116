"""/v3/user: users and API keys."""

from __future__ import annotations

import os
from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.users import User
from tdlocal.api.encode import date
from tdlocal.api.wire import Fault, Request, route

PYTHON = "td-client-python 1.7 tdclient/user_api.py"
JAVA = "td-client-java 0.9 TDUser.java, TDApiKey.java"
RUBY = "td-client-ruby api/user.rb"
ACCOUNT_ID = 1


@route("POST", "/v3/user/authenticate", source=PYTHON, auth=False)
def authenticate(account: Account, request: Request) -> Any:
    name, password = request.required("user"), request.required("password")
    key = account.users.authenticate(name, password)
    if key is None:
        raise Fault(401, "the user or the password is wrong")
    return {"user": name, "apikey": key}


@route("GET", "/v3/user/list", source=PYTHON)
def list_users(account: Account, request: Request) -> Any:
    return {"users": [user_json(user) for user in account.users.all()]}


@route("GET", "/v3/user/show", source=JAVA)
def show_user(account: Account, request: Request) -> Any:
    return user_json(account.users.show(account.users.who(request.key)))


@route("POST", "/v3/user/add/{name}", source=PYTHON)
def add_user(account: Account, request: Request, name: str) -> Any:
    account.users.add(name, request.params.get("email", ""), request.required("password"))
    return user_json(account.users.show(name))


@route("POST", "/v3/user/remove/{name}", source=PYTHON)
def remove_user(account: Account, request: Request, name: str) -> Any:
    account.users.remove(name)
    return {"user": name}


@route("POST", "/v3/user/email/change/{name}", source=RUBY)
def change_email(account: Account, request: Request, name: str) -> Any:
    account.users.change_email(name, request.required("email"))
    return {"user": name}


@route("POST", "/v3/user/password/change/{name}", source=RUBY)
def change_password(account: Account, request: Request, name: str) -> Any:
    account.users.change_password(name, request.required("password"))
    return {"user": name}


@route("POST", "/v3/user/password/change", source=RUBY)
def change_own_password(account: Account, request: Request) -> Any:
    name = account.users.who(request.key)
    if account.users.authenticate(name, request.required("old_password")) is None:
        raise Fault(422, "the old password is wrong")
    account.users.change_password(name, request.required("password"))
    return {"user": name}


@route("GET", "/v3/user/apikey/list/{name}", source=PYTHON)
def list_keys(account: Account, request: Request, name: str) -> Any:
    return {"apikeys": account.users.keys_of(name)}


@route("POST", "/v3/user/apikey/add/{name}", source=PYTHON)
def add_key(account: Account, request: Request, name: str) -> Any:
    return {"apikey": account.users.add_key(name)}


@route("POST", "/v3/user/apikey/remove/{name}", source=PYTHON)
def remove_key(account: Account, request: Request, name: str) -> Any:
    account.users.remove_key(name, request.required("apikey"))
    return {"user": name}


@route("GET", "/v3/user/apikey/validate", source=JAVA)
def validate_key(account: Account, request: Request) -> Any:
    user = account.users.show(account.users.who(request.key))
    return {
        "key_type": "master",
        "account_id": ACCOUNT_ID,
        "user_id": user.id,
        "administrator": True,
        "email": user.email,
    }


def user_json(user: User) -> dict[str, Any]:
    """A user as the list gives it."""
    return {
        "id": str(user.id),
        "name": user.name,
        "first_name": user.name,
        "last_name": "",
        "email": user.email,
        "phone": None,
        "gravatar_url": "",
        "administrator": True,
        "account_owner": user.owner,
        "me": False,
        "restricted": False,
        "email_verified": True,
        "created_at": date(user.created_at),
        "updated_at": date(user.created_at),
    }


@route("GET", "/v3/account/show", source="td-client-ruby api/account.rb (td account)")
def show_account(account: Account, request: Request) -> Any:
    """The account with the bytes that its tables take."""
    tables = (table for name in account.databases.names() for table in account.engine.tables(name))
    about = {
        "id": ACCOUNT_ID,
        "plan": 1,
        "storage_size": sum(table.bytes for table in tables),
        "guaranteed_cores": None,
        "maximum_cores": os.cpu_count(),
        "created_at": date(account.users.all()[0].created_at),
    }
    return {"account": about}
