"""Nothing that was ordered is lost or done twice: runs, items, published entries, invocations."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from activities.catalog_rows import AssetRow, EntryRow, ShotRow
from activities.effects import EffectRow
from activities.invocation_tables import InvocationRow
from activities.people import NoticeRow
from tests.fleet.evidence import Chronicle, Evidence, Ordered
from tests.fleet.finding import Finding
from workflows.models import ItemState, Notice, asset_id

TERMINAL = {"published", "rejected", "failed", "cancelled", "decided"}
WENT_ON = "CONTINUED_AS_NEW"
UNCLEAN = {"FAILED", "TERMINATED", "TIMED_OUT"}


def chronicles_are_closed(told: Evidence) -> Iterator[Finding]:
    """No workflow still runs, failed, or had a task that could not be done."""
    for each in told.chronicles:
        if each.status == "RUNNING":
            yield Finding("lost", f"{each.workflow} still runs")
        if each.status in UNCLEAN:
            yield Finding("broken", f"{each.workflow} ended as {each.status}")
        for trouble in each.troubles:
            yield Finding("broken", f"{each.workflow}: a task failed: {trouble}")


def runs_have_one_outcome(told: Evidence) -> Iterator[Finding]:
    """Every run that was started began once, and said how it ended."""
    for order in told.orders:
        chain = [each for each in told.chronicles if each.workflow == order.workflow]
        if not chain:
            yield Finding("lost", f"{order.workflow} was ordered, and never began")
        elif len({each.first for each in chain}) > 1:
            yield Finding("doubled", f"{order.workflow} was begun {len({each.first for each in chain})} times")
        elif all(each.status == WENT_ON or not each.result.get("status") for each in chain):
            yield Finding("lost", f"{order.workflow} has no outcome")


def items_have_one_outcome(told: Evidence) -> Iterator[Finding]:
    """Every item was laid out, worked on once, and has the outcome that its workflow returned."""
    states = {(row.run, row.key): row.state for row in told.of(ShotRow)}
    chains: dict[str, list[Chronicle]] = defaultdict(list)
    for each in told.chronicles:
        chains[each.workflow].append(each)
    for order in (order for order in told.orders if order.items):
        yield from _counted(
            order, chains[order.workflow], [state for (run, _), state in states.items() if run == order.workflow]
        )
    for (run, key), text in states.items():
        yield from _one_outcome(f"{run}:{key}", text, chains[f"{run}:{key}"])
    for each in told.chronicles:
        run, _, key = each.workflow.partition(":")
        if key and (run, key) not in states:
            yield Finding("doubled", f"{each.workflow} was worked on, and is no item of its run")


def _counted(order: Ordered, chain: list[Chronicle], texts: list[str | None]) -> Iterator[Finding]:
    result = next((each.result for each in chain if each.result), {})
    planned = result.get("plan") is not None
    if planned and len(texts) != order.items:
        yield Finding(
            "lost" if len(texts) < order.items else "doubled",
            f"{order.workflow} has {len(texts)} of {order.items} items",
        )
    kept = Counter(ItemState.model_validate_json(text).status for text in texts if text)
    if result and dict(kept) != result.get("counts", {}):
        yield Finding("lost", f"{order.workflow} counts {result.get('counts')}, its items are {dict(kept)}")


def _one_outcome(name: str, text: str | None, chain: list[Chronicle]) -> Iterator[Finding]:
    state = ItemState.model_validate_json(text) if text else None
    if state is None or state.status not in TERMINAL:
        yield Finding("lost", f"{name} has no outcome")
        return
    if len({each.first for each in chain}) > 1:
        yield Finding("doubled", f"{name} was worked on by {len({each.first for each in chain})} workflows")
    if not chain and not state.error:
        yield Finding("lost", f"{name} was never worked on")
    for each in chain:
        if each.result and ItemState.model_validate(each.result) != state:
            yield Finding("broken", f"{name} is kept as {state.status}, its workflow returned something else")


def entries_have_one_effect(told: Evidence) -> Iterator[Finding]:
    """Every entry was published under one record of its effect; every record says what became of it."""
    effects = {row.key: row for row in told.of(EffectRow)}
    entries = {row.id for row in told.of(EntryRow)}
    for entry in told.of(EntryRow):
        effect = effects.get(entry.key)
        if effect is None or effect.status != "done" or (effect.run, effect.item) != (entry.run, entry.item):
            yield Finding("broken", f"{entry.id} was published without a record of its own that it was done")
    for row in effects.values():
        if row.status in {"pending", "unknown"}:
            yield Finding("broken", f"{row.tool} of {row.run}:{row.item} was begun, and nobody knows what became of it")
        elif row.tool == "publish_to_catalog" and row.status == "done" and _entry_in(row.result) not in entries:
            yield Finding("lost", f"{row.run}:{row.item} was published, and no entry is there")


def _entry_in(result: str | None) -> str:
    answer = json.loads(result or "{}")
    return str(json.loads(answer.get("text") or "{}").get("entry", ""))


def entries_passed_the_gate(told: Evidence) -> Iterator[Finding]:
    """What is published is what its item's outcome says, and the gate or a person let exactly that through."""
    states = {(row.run, row.key): ItemState.model_validate_json(row.state) for row in told.of(ShotRow) if row.state}
    thresholds = {order.workflow: order.threshold for order in told.orders}
    agreed = _agreed(told)
    entries = {(row.run, row.item): row for row in told.of(EntryRow)}
    for place, entry in entries.items():
        state = states.get(place)
        if state is None or state.publication is None or state.publication.entry != entry.id:
            yield Finding("doubled", f"{entry.id} is published, and its item's outcome is not that")
        elif not (_passes(state, entry.digest, thresholds.get(entry.run, 0)) or (*place, entry.digest) in agreed):
            yield Finding("broken", f"{entry.id} was published past the gate")
        if state is not None and state.decided_by != entry.decided_by:
            yield Finding(
                "broken", f"{entry.id} was cleared by {entry.decided_by!r}, its item says {state.decided_by!r}"
            )
    for (run, key), state in states.items():
        if state.status == "published" and (run, key) not in entries:
            yield Finding("lost", f"{run}:{key} ended as published, and has no entry")


def _passes(state: ItemState, digest: str, threshold: int) -> bool:
    """The gate, written a second time."""
    facts, verdict = state.facts, state.verdict
    if facts is None or verdict is None or facts.digest != digest or verdict.asset != asset_id(digest):
        return False
    scores = [criterion.score for criterion in verdict.criteria]
    return bool(facts.facts) and not facts.missed and sum(scores) >= (threshold - 0.5) * len(scores)


def _agreed(told: Evidence) -> set[tuple[str, str, str]]:
    notices = (Notice.model_validate_json(row.body) for row in told.of(NoticeRow) if row.kind == "decided")
    approved = [each for each in notices if each.decision and each.decision.choice == "approve"]
    return {(each.question.scope.run, each.question.scope.item, each.question.digest) for each in approved}


def bytes_are_what_entries_say(told: Evidence) -> Iterator[Finding]:
    """At every published place lie the bytes that were cleared, and every place is that of one entry."""
    places = {row.uri: row for row in told.of(EntryRow)}
    for uri, entry in places.items():
        lies = told.shelf.published.get(uri)
        if lies is None:
            yield Finding("lost", f"{entry.id}: nothing lies at {uri}")
        elif lies != entry.digest:
            yield Finding("broken", f"{entry.id}: other bytes lie at {uri}")
    for uri in told.shelf.published.keys() - places.keys():
        yield Finding("doubled", f"{uri} was published, and is no entry's")
    for row in (*told.of(AssetRow), *told.of(EntryRow)):
        if row.digest not in told.shelf.held:
            yield Finding("lost", f"the bytes of {row.run}:{row.item} {row.digest[:20]} cannot be read")


def invocations_are_closed(told: Evidence) -> Iterator[Finding]:
    """Every workflow with agents left one invocation, with its end."""
    rows = told.of(InvocationRow)
    begun = Counter((each.workflow, each.first) for each in told.chronicles if each.tenant)
    kept = Counter(row.workflow_id for row in rows)
    for row in rows:
        if not row.status or row.ended_at is None:
            yield Finding("lost", f"the invocation {row.id} has no end")
        if row.parent and row.parent not in kept:
            yield Finding("lost", f"the invocation {row.id} has a parent that left none")
    for workflow in {workflow for workflow, _ in begun} | kept.keys():
        chains = sum(1 for each, _ in begun if each == workflow)
        if kept[workflow] != chains:
            yield Finding(
                "lost" if kept[workflow] < chains else "doubled",
                f"{workflow} left {kept[workflow]} invocations, not {chains}",
            )


RULES = (
    chronicles_are_closed,
    runs_have_one_outcome,
    items_have_one_outcome,
    entries_have_one_effect,
    entries_passed_the_gate,
    bytes_are_what_entries_say,
    invocations_are_closed,
)
