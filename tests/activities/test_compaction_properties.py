"""Whatever happens in a conversation and wherever it is cut, what the models read of it stays sound."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.database import Database
from activities.messages import pairing_problem
from tests.activities.conversing import (
    CONTRACT,
    cut_at,
    new_compactor,
    new_store,
    note,
    opening,
    request,
    result,
    say,
    think,
    use,
)
from tests.activities.endpoint import failure, message
from workflows.models import Reply

PINNED, OTHER = "claude-sonnet-5-5", "claude-opus-5-5"
WAYS = ("signed", "own", "plain")
MODELS = st.sampled_from([PINNED, OTHER])
CALLS = st.lists(st.booleans(), max_size=4)
STEPS = st.one_of(
    st.tuples(st.just("turn"), MODELS, CALLS),
    st.tuples(st.just("turn"), MODELS, CALLS),
    st.tuples(st.sampled_from(["pause", "refusal", "cut_off", "person"]), MODELS, CALLS),
    st.tuples(st.just("cut"), MODELS, st.sampled_from(WAYS)),
)


class Writer:
    """An endpoint that writes a summary in the way that is wanted, and names all that has to be named."""

    way = "plain"

    def __call__(self, request):
        if request.method == "GET":
            yes = {"supported": True}
            return httpx2.Response(200, json={"id": "m", "capabilities": {"compaction": {"summarize": yes, **yes}}})
        body = json.loads(request.content)
        assert pairing_problem(body["messages"]) == ""
        assert body["messages"][-1]["role"] == "user"
        names = " ".join(sorted(set(re.findall(r"ast_[0-9a-f]{20}", request.content.decode()))))
        if "compaction" in body and self.way == "signed":
            block = {"type": "compaction", "content": f"So far: {names}", "signature": uuid4().hex}
            return message(block, stop_reason="compaction")
        return message(say(f"So far: {names}")) if self.way == "own" else failure(529, "overloaded_error")


@dataclass
class Life:
    """Lives one conversation, and checks every request of it."""

    store: object
    compactor: object
    writer: Writer
    talk: str = field(default_factory=lambda: uuid4().hex)
    pin: str = ""
    head: int = 1
    turn: int = 0
    stop: str = ""
    cuts: set = field(default_factory=set)
    asked: dict = field(default_factory=dict)
    thoughts: dict = field(default_factory=lambda: {PINNED: [], OTHER: []})

    async def live(self, steps):
        self.pin = (await self.store.open(opening(conversation=self.talk))).pin
        for kind, model, more in steps:
            await (self.cut(model, more) if kind == "cut" else self.take_turn(kind, model, more))

    async def take_turn(self, kind, model, calls):
        self.turn += 1
        asked = self.request(kind, model)
        draft = await self.store.draft(asked)
        self.check(draft)
        content = [think(f"{model} {self.turn}"), say(f"turn {self.turn}")]
        content += [use(f"c{self.turn}_{number}") for number in range(len(calls))]
        whole = {"turn": "tool_use" if calls else "end_turn", "person": "end_turn", "cut_off": "max_tokens"}
        self.stop = {"pause": "pause_turn"}.get(kind) or whole.get(kind, kind)
        if kind in {"pause", "person"}:
            content, calls = content[:2], []
        if kind != "refusal":
            self.thoughts[model].append(content[0])
        reply = Reply(head=draft.position + 1, turn=self.turn, stop=self.stop, context=50_000)
        unrun = {f"c{self.turn}_{number}": "cut off" for number in range(len(calls))} if kind == "cut_off" else {}
        self.head = (await self.store.commit(asked, draft, content, reply, unrun)).head
        if kind == "turn":
            await self.answer(calls)

    async def answer(self, calls):
        for number, made in enumerate(calls):
            name = f"c{self.turn}_{number}"
            asset = f"sha256:{uuid4().hex}" if made else None
            kept = result(name, self.head - 1, json.dumps({"found": "x" * 300}), asset=asset)
            await self.store.put_result(kept._replace(conversation=self.talk))

    def request(self, kind, model):
        resumes = self.stop == "pause_turn" or (self.stop == "refusal" and self.turn % 2)
        told = note(f"note {self.turn}", "person" if kind == "person" else "remind")
        return request(
            self.pin, self.head, self.turn, conversation=self.talk, model=model, notes=(told,), resume=bool(resumes)
        )

    def check(self, draft):
        blocks = [block for sent in draft.messages for block in sent["content"]]
        assert pairing_problem(draft.messages) == ""
        assert any(CONTRACT.text() in block.get("text", "") for block in blocks)
        thoughts = [block for block in blocks if block["type"] == "thinking"]
        mine = iter(self.thoughts[draft.model])
        assert all(thought in mine for thought in thoughts)
        before = self.asked.get(draft.model, [])
        assert draft.messages[: len(before)] == before
        self.asked[draft.model] = draft.messages

    async def cut(self, model, way):
        self.writer.way = way
        cut = cut_at(self.head, self.turn, conversation=self.talk, model=model, window=100_000)
        made = await self.compactor.compact(cut)
        assert await self.compactor.compact(cut) == made
        if made.dropped and self.head not in self.cuts:
            assert WAYS.index(made.strategy) >= WAYS.index(way)
            self.asked, self.cuts = {}, {*self.cuts, self.head}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts lives in one world: preparing it takes longer than a life."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('lives')}/talks.db")
    store, writer = new_store(database), Writer()
    compactor = new_compactor(database, writer)
    yield lambda: Life(store, compactor, writer)
    database.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(STEPS, min_size=4, max_size=20))
def test_every_request_is_sound_whatever_happened_and_wherever_it_was_cut(start, steps):
    asyncio.run(start().live(steps))


@settings(max_examples=4, deadline=None)
@given(st.lists(st.sampled_from(WAYS), min_size=3, max_size=5))
def test_a_long_conversation_is_cut_again_and_again(start, ways):
    steps = [step for way in ways for step in [*[("turn", PINNED, [True, False])] * 5, ("cut", PINNED, way)]]
    asyncio.run((life := start()).live([*steps, ("turn", PINNED, [])]))
    assert len(life.asked[PINNED]) < 12
