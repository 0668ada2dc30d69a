"""Assets are named by their bytes, and nothing is overwritten with other bytes."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.assets import AssetDamaged, Assets, PlaceTaken, digest_of, segment


@pytest.fixture(params=["folder", "memory"])
def assets(request, tmp_path):
    return Assets.at("memory://" if request.param == "memory" else tmp_path / "assets")


async def test_bytes_come_back_under_their_digest(assets):
    digest = await assets.put(b"picture")
    assert digest == digest_of(b"picture")
    assert await assets.get(digest) == b"picture"


async def test_the_same_bytes_put_at_once_are_kept_once(assets):
    assert len(set(await asyncio.gather(*(assets.put(b"picture") for _ in range(8))))) == 1


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "", "../../etc/passwd", "sha256:zz"])
async def test_what_is_not_there_is_not_found(assets, digest):
    with pytest.raises(FileNotFoundError):
        await assets.get(digest)


async def test_damaged_bytes_are_noticed_and_repaired_by_putting_them_again(tmp_path):
    assets = Assets.at(tmp_path)
    digest = await assets.put(b"picture")
    assets.path(digest).write_bytes(b"broken")
    with pytest.raises(AssetDamaged):
        await assets.get(digest)
    await assets.put(b"picture")
    assert await assets.get(digest) == b"picture"


async def test_publishing_twice_is_harmless_and_other_bytes_find_the_place_taken(assets):
    uri = await assets.publish("run/../1", "item.jpg", b"one")
    assert await assets.publish("run/../1", "item.jpg", b"one") == uri
    with pytest.raises(PlaceTaken):
        await assets.publish("run/../1", "item.jpg", b"two")
    assert await assets.read_published(uri) == b"one"


async def test_only_published_places_are_read_as_published(assets):
    await assets.put(b"picture")
    with pytest.raises(FileNotFoundError):
        await assets.read_published(f"sha256/{digest_of(b'picture')[7:9]}/{digest_of(b'picture')[7:]}")


async def test_a_folder_tells_where_its_files_lie(tmp_path):
    assets = Assets.at(tmp_path)
    uri = await assets.publish("run", "item.jpg", b"one")
    assert assets.published_path(uri).read_bytes() == b"one"
    assert assets.path(await assets.put(b"two")).read_bytes() == b"two"
    assert Assets.at("memory://").path(digest_of(b"two")) is None


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_id_is_one_safe_part_of_a_path_and_ids_that_differ_stay_different(one, two):
    part = segment(one)
    assert part
    assert "/" not in part
    assert ".." not in part
    assert (part == segment(two)) == (one == two)
