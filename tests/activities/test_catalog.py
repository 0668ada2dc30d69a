"""From a brief to published entries, with the real tools, a real database and real images."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from temporalio.exceptions import ApplicationError

from activities.assets import Assets
from activities.briefs import load_brief
from activities.candidate_papers import CandidatePapers
from activities.catalog import CatalogStore, model_id
from activities.catalog_rows import ProductRow, ShotRow
from activities.database import Database
from activities.desk import StudioDesk
from activities.people import Told
from activities.studio.profiles import Profiles
from activities.tools import TOOLS
from activities.tools.directories import catalog_references
from tests.activities.house import House
from workflows.models import (
    Decision,
    ItemRecord,
    ItemState,
    Layout,
    MeasureRequest,
    Notice,
    PageRequest,
    Plan,
    PlannedShot,
    Question,
    RunOrder,
    Scope,
    VerifyRequest,
)

BRIEF = Path("briefs/spring-capsule.yaml").read_bytes()
AMAZON = "amazon-main-front-linen-dress-ink-navy"
ZALANDO = "zalando-packshot-front-linen-dress-ink-navy"
SMALL = {"width": 260, "height": 260}
WORDS = {"title": "Linen dress, ink navy", "alt_text": "Dress in ink navy linen, seen from the front"}


class World:
    """A house with a laid-out run."""

    def __init__(self, folder, url=""):
        self.profiles = Profiles.load()
        self.database = Database(url or f"sqlite:///{folder}/house.db")
        self.database.prepare()
        self.folder = folder / "assets"
        self.assets = Assets.at(self.folder)
        self.catalog = CatalogStore(self.database, self.assets, self.profiles)
        self.desk = StudioDesk(self.catalog.images, self.assets, self.profiles)
        references = catalog_references(self.database, self.profiles)
        world = [self.catalog, self.assets, self.profiles, CandidatePapers(self.database, self.assets)]
        self.house = House(folder, TOOLS, references, world, self.database)
        self.calls = 0

    async def open(self, run="run-1"):
        await self.catalog.seed()
        self.brief = await self.assets.put(BRIEF)
        shoot = await self.catalog.open_shoot(RunOrder(brief=self.brief))
        pairs = [pair.partition("/")[::2] for pair in shoot.wanted]
        plan = Plan(reasoning="", shots=tuple(PlannedShot(profile=p, view=v, direction=f"{p} {v}") for p, v in pairs))
        self.layout = Layout(run=run, brief=self.brief, plan=plan)
        await self.catalog.lay_out(self.layout)
        return shoot

    async def use(self, tool, arguments, item=AMAZON, grants=(), run="run-1"):
        self.calls += 1
        call_id = f"c{self.calls}"
        scope = Scope(run=run, item=item)
        outcome = await self.house.use(tool, arguments, call_id=call_id, scope=scope, grants=grants)
        return outcome, json.loads(self.house.seen(call_id))

    async def take(self, item=AMAZON, profile="amazon.main", run="run-1", **settings):
        order = {"shot": item, "model_id": model_id("Ama Sarpong"), "profile": profile, "settings": SMALL | settings}
        return await self.use("render_shot", order, item, run=run)


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path)
    await world.open()
    return world


async def test_a_brief_becomes_a_shoot_that_the_planner_can_read(world):
    shoot = await world.catalog.open_shoot(RunOrder(brief=world.brief))
    told = json.loads(shoot.summary)
    assert shoot.wanted == ("amazon.main/front", "zalando.packshot/front", "zalando.packshot/back")
    assert told["wanted"] == list(shoot.wanted)
    assert told["venues"][0]["rules"]["frame_fill"]["at_least"] == 0.85
    assert told["product_count"] == len(told["products"]) == 2
    assert (shoot.run_micro_usd, shoot.item_micro_usd) == (5_000_000, 500_000)
    assert "Do not: props, text or borders" in shoot.contract.text()


async def test_a_shoot_stays_small_for_ten_thousand_images(world):
    brief = json.loads(load_brief(BRIEF, world.profiles).model_dump_json())
    product = {**brief["products"][1], "title": "x" * 120}
    brief["products"] = [{**product, "id": f"p{n}"} for n in range(3_400)]
    digest = await world.assets.put(json.dumps(brief).encode())
    shoot = await world.catalog.open_shoot(RunOrder(brief=digest))
    assert len(shoot.model_dump_json()) < 40_000
    laid = await world.catalog.lay_out(world.layout.model_copy(update={"run": "large", "brief": digest}))
    assert laid.items == 10_200
    page = await world.catalog.page(PageRequest(run="large", offset=10_199))
    assert [shot.product.id for shot in page.shots] == ["p3399"]


async def test_a_brief_that_cannot_be_used_is_a_permanent_error(world):
    for digest in (await world.assets.put(b"title: x"), "sha256:" + "0" * 64):
        with pytest.raises(ApplicationError) as caught:
            await world.catalog.open_shoot(RunOrder(brief=digest))
        assert caught.value.non_retryable


async def test_items_are_laid_out_once_whatever_comes_later(world):
    other = world.layout.model_copy(update={"plan": Plan(reasoning="", shots=world.layout.plan.shots[:1])})
    laid = await asyncio.gather(*(world.catalog.lay_out(other) for _ in range(3)))
    assert [each.items for each in laid] == [9, 9, 9]
    shots = (await world.catalog.page(PageRequest(run="run-1", offset=0))).shots
    assert len({shot.key for shot in shots}) == 9
    assert shots[0].key == AMAZON
    assert shots[0].direction == "amazon.main front"


async def test_products_and_guidelines_are_entered_once_whatever_comes_later(world):
    changed = BRIEF.replace(b"Linen dress", b"Silk dress").replace(b"Fern & Thread", b"Another")
    other = world.layout.model_copy(update={"brief": await world.assets.put(changed)})
    await asyncio.gather(*(world.catalog.lay_out(other) for _ in range(3)))
    brief = load_brief(BRIEF, world.profiles)
    assert [await world.catalog.product("run-1", product.id) for product in brief.products] == list(brief.products)
    assert await world.catalog.guidelines("run-1") == brief.guidelines
    assert await world.catalog.product("run-2", "linen-dress") is None
    assert await world.catalog.guidelines("run-2") is None


async def test_a_run_that_cannot_be_laid_out_whole_leaves_nothing_behind(world):
    twin = ShotRow(run="run-2", key=ZALANDO, position=0, shot="{}")
    await world.database.run(lambda session: session.add(twin))
    with pytest.raises(IntegrityError):
        await world.catalog.lay_out(world.layout.model_copy(update={"run": "run-2"}))
    assert await world.catalog.guidelines("run-2") is None
    assert await world.catalog.product("run-2", "linen-dress") is None


async def test_items_come_in_pages_in_their_order(world):
    every = (await world.catalog.page(PageRequest(run="run-1", offset=0))).shots
    pages = [await world.catalog.page(PageRequest(run="run-1", offset=n, limit=4)) for n in (0, 4, 8, 12)]
    assert [len(page.shots) for page in pages] == [4, 4, 1, 0]
    assert tuple(shot for page in pages for shot in page.shots) == every


async def test_what_became_of_an_item_can_be_read_afterwards(world):
    state = ItemState(key=AMAZON, title="x", status="published")
    for _ in range(2):
        await world.catalog.record(ItemRecord(run="run-1", state=state))
    items = {shot.key: state for shot, state in await world.catalog.items("run-1")}
    assert items[AMAZON] == state
    assert [each for key, each in items.items() if key != AMAZON] == [None] * 8


async def test_a_fashion_model_is_found_by_a_part_of_the_name(world):
    _, found = await world.use("find_model", {"name": "ama"})
    assert found["models"][0]["name"] == "Ama Sarpong"


async def test_a_product_is_described_with_the_guidelines_of_its_brand(world):
    outcome, told = await world.use("describe_product", {"product": "linen-dress"})
    assert outcome.preview == "linen-dress: Linen dress, of Fern & Thread"
    assert told["product"]["fabric"] == "linen"
    assert [colour["name"] for colour in told["product"]["colours"]] == ["ink navy", "brick red"]
    assert told["guidelines"] == {
        "brand": "Fern & Thread",
        "do": ["warm, natural daylight", "show the whole garment, centred"],
        "dont": ["props, text or borders"],
    }


async def test_an_unknown_product_is_refused_with_the_nearest(world):
    await world.use("describe_product", {"product": "cotton-tee"})
    for wrong, right in (("linen-dres", "linen-dress (Linen dress)"), ("Cotton tee", "cotton-tee (Cotton tee)")):
        outcome, told = await world.use("describe_product", {"product": wrong})
        assert outcome.refusal == "reference"
        assert f"nearest first: {right}" in told["hint"]


async def test_a_product_of_another_run_is_refused(world):
    outcome, _ = await world.use("describe_product", {"product": "linen-dress"}, run="run-2")
    assert outcome.refusal == "owner"


async def test_a_product_belongs_to_every_run_that_shoots_it_however_many(world):
    row = {"id": "linen-dress", "title": "Linen dress", "garment": "dress", "fabric": "linen", "colours": "[]"}
    runs = [ProductRow(run=f"run-0{number}", **row) for number in range(1_100)]
    await world.database.run(lambda session: session.add_all(runs))
    await world.catalog.lay_out(world.layout.model_copy(update={"run": "run-2"}))
    outcome, _ = await world.use("describe_product", {"product": "linen-dress"}, run="run-2")
    assert outcome.ok


async def test_an_invented_model_is_refused_with_suggestions(world):
    order = {"shot": AMAZON, "model_id": "mod_ama", "profile": "amazon.main", "settings": {}}
    outcome, told = await world.use("render_shot", order)
    assert outcome.refusal == "reference"
    assert f"{model_id('Ama Sarpong')} (Ama Sarpong)" in told["hint"]


async def test_the_rules_of_a_venue_can_be_read_and_an_unknown_one_is_corrected(world):
    _, rules = await world.use("venue_rules", {"profile": "amazon.main"})
    assert rules["rules"]["background_white"]["at_least"] == 255
    outcome, told = await world.use("venue_rules", {"profile": "amazon.front"})
    assert outcome.refusal == "reference"
    assert "nearest first: amazon.main" in told["hint"]


async def test_a_shot_is_taken_kept_and_described(world):
    outcome, taken = await world.take(kelvin=4200)
    assert outcome.ok
    assert len(await world.assets.get(outcome.asset)) == taken["bytes"]
    _, told = await world.use("describe_asset", {"asset": taken["asset"]})
    assert told["settings"] == taken["settings"]
    assert told["settings"]["kelvin"] == 4200
    again, _ = await world.take(kelvin=4200)
    assert again.asset == outcome.asset


async def test_a_shot_of_another_item_or_venue_is_refused(world):
    outcome, told = await world.take(item=ZALANDO)
    assert "profile" in told["error"]
    order = {"shot": ZALANDO, "model_id": model_id("Ama Sarpong"), "profile": "zalando.packshot"}
    outcome, _ = await world.use("render_shot", order, AMAZON)
    assert outcome.refusal == "owner"


async def test_an_image_of_another_run_cannot_be_used(world):
    _, taken = await world.take()
    outcome, _ = await world.use("describe_asset", {"asset": taken["asset"]}, run="run-2")
    assert outcome.refusal == "owner"


async def test_the_same_bytes_may_belong_to_two_runs(world):
    await world.catalog.lay_out(world.layout.model_copy(update={"run": "run-2"}))
    _, taken = await world.take()
    _, same = await world.take(run="run-2")
    assert same["asset"] == taken["asset"]
    for run in ("run-1", "run-2"):
        outcome, _ = await world.use("describe_asset", {"asset": taken["asset"]}, run=run)
        assert outcome.ok


async def test_an_image_is_measured_by_the_rules_of_its_venue(world):
    outcome, _ = await world.take()
    shot = await world.catalog.shot("run-1", AMAZON)
    sheet = await world.desk.measure(MeasureRequest(run="run-1", digest=outcome.asset, shot=shot))
    assert sheet.digest == outcome.asset
    assert (sheet.profile, sheet.version) == ("amazon.main", "2026.1")
    assert "size" in {fact.rule for fact in sheet.missed}


async def test_the_same_picture_twice_in_one_venue_is_a_duplicate_and_a_retake_is_not(world):
    shot = await world.catalog.shot("run-1", AMAZON)
    outcome, _ = await world.take()
    request = MeasureRequest(run="run-1", digest=outcome.asset, shot=shot)
    facts = [await world.desk.measure(request) for _ in range(2)]
    assert [fact.passed for sheet in facts for fact in sheet.facts if fact.rule == "duplicate"] == [True, True]
    twin = next(iter(await world.catalog.images.of_run("run-1")))._replace(item="another", print=None)
    await world.catalog.images.keep(twin)
    other = request.model_copy(update={"shot": shot.model_copy(update={"key": "another"})})
    [fact] = [fact for fact in (await world.desk.measure(other)).facts if fact.rule == "duplicate"]
    assert not fact.passed


async def test_what_was_cleared_is_published_once_and_verified_in_its_place(world):
    outcome, taken = await world.take()
    order = {"asset": taken["asset"], **WORDS}
    refused, _ = await world.use("publish_to_catalog", order)
    assert refused.refusal == "permission"
    done, published = await world.use("publish_to_catalog", order, grants=(f"{taken['asset']}|by=Noor",))
    _, same = await world.use("publish_to_catalog", order, grants=(taken["asset"],))
    assert done.ok
    assert same["entry"] == published["entry"]
    request = VerifyRequest(run="run-1", item=AMAZON, digest=outcome.asset)
    publication = (await world.catalog.verify(request)).publication
    assert publication.entry == published["entry"]
    assert publication.decided_by == "Noor"
    assert publication.source_type.endswith("trainedAlgorithmicMedia")
    assert await world.catalog.entries.of_run("run-1") == (publication,)


async def test_on_postgresql_the_same_way_leads_to_the_same_entry(tmp_path, postgres_url):
    world = World(tmp_path, postgres_url)
    await asyncio.gather(world.open(), world.catalog.seed(), world.catalog.seed())
    layout = world.layout.model_copy(update={"run": "run-2"})
    assert [laid.items for laid in await asyncio.gather(*(world.catalog.lay_out(layout) for _ in range(4)))] == [9] * 4
    odd = await world.assets.put(BRIEF.replace(b"Linen dress", b'"Linen\\0"').replace(b"Fern & Thread", b'"Fern\\0"'))
    await world.catalog.lay_out(layout.model_copy(update={"run": "run-3", "brief": odd}))
    assert (await world.catalog.product("run-3", "linen-dress")).title == "Linen\ufffd"
    taken = (await asyncio.gather(*(world.take() for _ in range(3))))[0][1]
    order = {"asset": taken["asset"], **WORDS}
    uses = (world.use("publish_to_catalog", order, grants=(taken["asset"],)) for _ in range(4))
    assert len({told["entry"] for _, told in await asyncio.gather(*uses)}) == 1
    order = {"shot": AMAZON, "model_id": "ama\x00", "profile": "amazon.main"}
    outcome, _ = await world.use("render_shot", order)
    assert outcome.refusal == "reference"
    world.database.close()


async def test_another_image_cannot_replace_a_published_one(world):
    _, first = await world.take()
    _, second = await world.take(iso=3200)
    grants = (first["asset"], second["asset"])
    await world.use("publish_to_catalog", {"asset": first["asset"], **WORDS}, grants=grants)
    outcome, told = await world.use("publish_to_catalog", {"asset": second["asset"], **WORDS}, grants=grants)
    assert outcome.refusal == "conflict"
    assert "published already" in told["error"]


async def test_an_image_of_another_item_is_not_published_here(world):
    _, taken = await world.take()
    outcome, _ = await world.use(
        "publish_to_catalog", {"asset": taken["asset"], **WORDS}, item=ZALANDO, grants=(taken["asset"],)
    )
    assert outcome.refusal == "owner"


async def test_words_that_do_not_fit_are_refused_by_name(world):
    _, taken = await world.take()
    for alt_text in ("x" * 126, "Image of a dress"):
        order = {"asset": taken["asset"], **WORDS, "alt_text": alt_text}
        outcome, told = await world.use("publish_to_catalog", order, grants=(taken["asset"],))
        assert outcome.refusal == "schema"
        assert told["error"].startswith("alt_text:")


async def test_a_publication_that_is_not_there_or_was_touched_is_no_proof(world):
    outcome, taken = await world.take()
    request = VerifyRequest(run="run-1", item=AMAZON, digest=outcome.asset)
    assert "no catalog entry" in (await world.catalog.verify(request)).problem
    _, published = await world.use("publish_to_catalog", {"asset": taken["asset"], **WORDS}, grants=(taken["asset"],))
    other = request.model_copy(update={"digest": "sha256:" + "0" * 64})
    assert "not of" in (await world.catalog.verify(other)).problem
    file = world.folder / published["uri"]
    file.write_bytes(file.read_bytes() + b"!")
    assert "not those that were cleared" in (await world.catalog.verify(request)).problem
    file.unlink()
    assert "nothing is published" in (await world.catalog.verify(request)).problem


async def test_people_are_told_once_and_what_they_were_told_is_kept(world):
    at = "2026-11-22T10:00:00Z"
    question = Question(id="q1", scope=Scope(run="run-1", item=AMAZON), title="t", reason="r", asked_at=at)
    asked = Notice(kind="question", question=question, at=at)
    decided = Notice(kind="decided", question=question, decision=Decision(choice="approve", by="Noor"), at=at)
    told = Told(world.database)
    for notice in (asked, asked, decided):
        await told.tell(notice)
    assert await told.questions("run-1") == (asked, decided)
