"""What a namespace of the server must have before the first run: itself, and our search attributes with their types."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows.tracing import SEARCH_ATTRIBUTES

PATIENCE = 60.0
"""Seconds until a server knows what it was told: its parts hear of it one after the other."""
BEAT = 0.5
REFUSALS = {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.UNAUTHENTICATED}


class Refused(ValueError):  # noqa: N818 - says what happened, as its neighbours do
    """The server does not let us do this; the text says how it is done by hand."""


class WrongType(ValueError):  # noqa: N818 - as above
    """A search attribute of our name is there, with a type that is not ours."""


class Attributes(NamedTuple):
    """What a namespace lacks, by name with the type it should have; and what it has of another type, with both."""

    missing: Mapping[str, str]
    wrong: Mapping[str, tuple[str, str]]

    def check(self) -> None:
        """Insist on the right types.

        Raises:
            WrongType: one has another; nothing can change that in place.
        """
        for name, (has, needs) in self.wrong.items():
            cure = f"remove it (temporal operator search-attribute remove --name {name}), or use another namespace"
            raise WrongType(f"the search attribute {name} is a {has} here, and has to be a {needs}: {cure}")


async def make_namespace(client: Client, retention: timedelta) -> bool:
    """Make the client's namespace unless it is there; tells whether it was made.

    `retention` is how long the server keeps histories of what has ended; one that is there keeps its own.

    Raises:
        Refused: the server does not let us.
        RPCError: it does not answer.
    """
    if await _has_namespace(client):
        return False
    kept = Duration()
    kept.FromTimedelta(retention)
    request = RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=kept)
    try:
        await client.workflow_service.register_namespace(request)
    except RPCError as error:
        if error.status in REFUSALS:
            raise Refused(
                f"the namespace {client.namespace} is not there, or not for us, and the server lets us make none. In "
                f"Temporal Cloud make it in the web UI, or: tcld namespace create --namespace {client.namespace}"
            ) from None
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
    return True


async def attributes(client: Client) -> Attributes:
    """Compare the namespace's search attributes with ours.

    Raises:
        RPCError: the server does not answer, or does not let us ask.
    """
    asked = ListSearchAttributesRequest(namespace=client.namespace)
    known = {
        name: _kind(value)
        for name, value in (await client.operator_service.list_search_attributes(asked)).custom_attributes.items()
    }
    missing = {name: kind for name, kind in SEARCH_ATTRIBUTES.items() if name not in known}
    wrong = {name: (known[name], kind) for name, kind in SEARCH_ATTRIBUTES.items() if known.get(name, kind) != kind}
    return Attributes(missing, wrong)


async def add_search_attributes(client: Client) -> tuple[str, ...]:
    """Add the search attributes that the namespace lacks, and wait until it knows them; returns their names.

    Raises:
        WrongType: one is there with another type.
        Refused: the server does not let us.
        RPCError: it does not answer.
    """
    try:
        found = await settled(client)
        found.check()
        if found.missing:
            values = {
                name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
                for name, kind in found.missing.items()
            }
            request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=values)
            await client.operator_service.add_search_attributes(request)
            await _known(client)
    except RPCError as error:
        if error.status not in REFUSALS:
            raise
        if not await _serves_queries(client):
            raise Refused(_by_hand(client.namespace)) from None
        return ()
    return tuple(found.missing)


async def _has_namespace(client: Client) -> bool:
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND or error.status in REFUSALS:
            return False
        raise
    return True


async def settled(client: Client) -> Attributes:
    """Read the attributes; a namespace that was just made is not known everywhere yet."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return await attributes(client)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND or time.monotonic() > end:
                raise
        await asyncio.sleep(BEAT)


async def _known(client: Client) -> None:
    end = time.monotonic() + PATIENCE
    while (await attributes(client)).missing and time.monotonic() < end:  # noqa: ASYNC110 - it happens on a server
        await asyncio.sleep(BEAT)


async def _serves_queries(client: Client) -> bool:
    """Tell whether all of them can be asked for: that needs no right but to list workflows."""
    query = " or ".join(f"{name} is not null" for name in SEARCH_ATTRIBUTES)
    try:
        await client.count_workflows(query)
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:  # one of the names is not known
            return False
        raise
    return True


def _by_hand(namespace: str) -> str:
    each = " ".join(f'--sa "{name}={kind}"' for name, kind in SEARCH_ATTRIBUTES.items())
    return (
        f"the server lets us neither read nor add the search attributes of {namespace}. In Temporal Cloud add them "
        f"in the web UI, or: tcld namespace search-attributes add --namespace {namespace} {each}"
    )


def _kind(value: "IndexedValueType.ValueType") -> str:
    """Name a type as the command line of Temporal does: `INDEXED_VALUE_TYPE_KEYWORD_LIST` is a KeywordList."""
    return IndexedValueType.Name(value).removeprefix("INDEXED_VALUE_TYPE_").title().replace("_", "")
