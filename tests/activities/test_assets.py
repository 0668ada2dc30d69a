"""Assets are named by their bytes, and nothing is overwritten with other bytes."""

import asyncio
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import from_url

from activities.assets import AssetDamaged, Assets, AssetsUnreachable, NoSuchStore, PlaceTaken, digest_of, segment


@pytest.fixture(params=["folder", "memory", "s3"])
def assets(request, tmp_path):
    places = {"folder": lambda: tmp_path / "assets", "memory": lambda: "memory://"}
    return Assets.at(places.get(request.param, lambda: request.getfixturevalue("s3_url"))())


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


async def test_what_is_erased_is_gone_and_erasing_again_is_harmless(assets):
    digest = await assets.put(b"picture")
    for _ in range(2):
        await assets.erase(digest)
        with pytest.raises(FileNotFoundError):
            await assets.get(digest)


async def test_a_damaged_object_of_a_bucket_is_noticed_and_repaired(s3_url):
    assets, digest = Assets.at(s3_url), digest_of(b"picture")
    await from_url(s3_url).put_async(f"sha256/{digest[7:9]}/{digest[7:]}", b"broken")
    with pytest.raises(AssetDamaged):
        await assets.get(digest)
    await assets.put(b"picture")
    assert await assets.get(digest) == b"picture"


async def test_two_prefixes_of_one_bucket_are_two_stores(s3_server, s3_url):
    digest = await Assets.at(s3_url).put(b"picture")
    with pytest.raises(FileNotFoundError):
        await Assets.at(s3_server.url).get(digest)
    assert Assets.at(s3_url).path(digest) is None


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3"])
async def test_the_endpoint_goes_by_the_names_that_the_documentation_lists(name, s3_url, s3_server, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv(name, s3_server.endpoint)
    assert await Assets.at(s3_url).get(await Assets.at(s3_url).put(b"picture")) == b"picture"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "lacked the necessary privileges"),
        ("AWS_ACCESS_KEY_ID", "nobody", "lacked the necessary privileges"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "error sending request"),
        ("AWS_ALLOW_HTTP", "false", "HTTP error: builder error"),
    ],
)
async def test_a_store_that_does_not_serve_says_so_in_one_line(name, value, said, s3_url, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(AssetsUnreachable, match=said) as told:
        await Assets.at(s3_url).put(b"picture")
    assert "\n" not in str(told.value)
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in str(told.value)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("ftp://host/folder", "no store of assets at ftp://; name a folder, or a URL with s3://, gs://"),
        ("http://host/folder", "no store of assets at http://"),
        ("s3://", "at s3:// cannot be opened"),
        ("az://container/prefix", "Account must be specified"),
    ],
)
def test_a_url_of_no_store_is_refused_with_what_would_be_right(place, said):
    with pytest.raises(NoSuchStore, match=re.escape(said)) as told:
        Assets.at(place)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("place", ["gs://bucket/prefix", "abfss://container@account.dfs.core.windows.net/prefix"])
def test_other_clouds_are_opened_by_their_urls(place):
    assert Assets.at(place).path(digest_of(b"picture")) is None


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_id_is_one_safe_part_of_a_path_and_ids_that_differ_stay_different(one, two):
    part = segment(one)
    assert part
    assert "/" not in part
    assert ".." not in part
    assert (part == segment(two)) == (one == two)
