"""Reaching a server by certificate, key or profile, and making its namespace ready: as in production, on loopback."""

import asyncio
import json
import os
import uuid
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client

from activities.connection import connect
from activities.namespace import attributes, make_namespace, settled
from console.app import run
from tests.fleet.front import KEY, front
from workflows.tracing import SEARCH_ATTRIBUTES


@pytest.fixture(scope="module")
def places(temporal_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("front")
    with front(temporal_server, folder) as ports:
        yield {"plain": temporal_server, "folder": folder, **ports}


@pytest.fixture
def at(places, monkeypatch, tmp_path):
    """Be where the environment leads to one of the places, with further variables."""

    def go(place, **more):
        for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("CALLSHEET_HOME", str(tmp_path))
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("TEMPORAL_ADDRESS", places[place])
        if place != "plain":
            monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", f"{places['folder']}/ca.pem")
        for name, value in more.items():
            monkeypatch.setenv(f"TEMPORAL_{name}", value)

    return go


@pytest.fixture
def bootstrap(capsys):
    """Run the command; gives its exit code and what it said."""

    def command(*more):
        code = run(["bootstrap", *more, "--json"])
        said = json.loads(capsys.readouterr().out)
        return code, said.get("error", {}).get("message") or said

    return command


def fresh():
    return f"ns-{uuid.uuid4().hex[:8]}"


def test_a_client_certificate_lets_us_in_and_its_absence_keeps_us_out(at, bootstrap, places):
    own = {
        f"TLS_CLIENT_{name}_PATH": f"{places['folder']}/client.{kind}"
        for name, kind in (("CERT", "pem"), ("KEY", "key"))
    }
    at("certificate", **own)
    assert bootstrap() == (0, {"namespace": "default", "made": False, "added": []})
    at("certificate", TLS="true")
    code, said = bootstrap()
    assert (code, f"no Temporal server answers at {places['certificate']}" in said) == (6, True)


def test_a_key_from_a_profile_lets_us_in_and_a_wrong_one_is_named(at, bootstrap, places, tmp_path):
    at("key")
    profile = tmp_path / "temporal.toml"
    body = f'[profile.prod]\naddress = "{places["key"]}"\nnamespace = "default"\napi_key = "{{}}"\n[profile.prod.tls]\n'
    body += f'server_ca_cert_path = "{places["folder"]}/ca.pem"\n'
    for key, expected in ((KEY, 0), ("wrong", 6)):
        profile.write_text(body.format(key))
        at("key", CONFIG_FILE=str(profile), PROFILE="prod")
        os.environ.pop("TEMPORAL_ADDRESS")
        code, said = bootstrap()
        assert code == expected
    assert "the credentials were not accepted" in said


def test_a_namespace_is_made_with_all_it_needs_once(at, bootstrap, server):
    name = fresh()
    at("plain", NAMESPACE=name)
    assert bootstrap("--retention-days", "3") == (
        0,
        {"namespace": name, "made": True, "added": list(SEARCH_ATTRIBUTES)},
    )
    assert bootstrap() == (0, {"namespace": name, "made": False, "added": []})
    found = asyncio.run(_attributes())
    assert (dict(found.missing), dict(found.wrong)) == ({}, {})


def test_an_attribute_of_another_type_is_named_with_both_types(at, bootstrap, server):
    name = fresh()
    at("plain", NAMESPACE=name)
    asyncio.run(_spoil(server, name))
    code, said = bootstrap()
    assert code == 9
    assert said.startswith("the search attribute CallsheetCostUsd is a Keyword here, and has to be a Double: remove it")


def test_where_a_namespace_may_not_be_changed_it_is_said_how_to_do_it_by_hand(at, bootstrap, server):
    at("cloud", API_KEY=KEY)
    assert bootstrap() == (0, {"namespace": "default", "made": False, "added": []})  # they are there; that can be asked
    name = fresh()
    at("cloud", API_KEY=KEY, NAMESPACE=name)
    code, said = bootstrap()
    assert (code, f"tcld namespace create --namespace {name}" in said) == (9, True)
    asyncio.run(_spoil(server, name))
    code, said = bootstrap()
    assert (code, '--sa "CallsheetStatus=Keyword"' in said, '--sa "CallsheetDueAt=Datetime"' in said) == (9, True, True)


async def _attributes():
    return await attributes(await connect())


async def _spoil(server, name):
    """Make a namespace with one attribute, of a wrong type."""
    client = await Client.connect(server, namespace=name)
    await make_namespace(client, timedelta(days=1))
    await settled(client)
    kinds = {"CallsheetCostUsd": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD}
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=name, search_attributes=kinds)
    )
    while "CallsheetCostUsd" not in (await attributes(client)).wrong:  # noqa: ASYNC110 - it happens on a server
        await asyncio.sleep(0.2)
