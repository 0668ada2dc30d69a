"""`docs/tour.md` shows what the commands print."""

from tests.examples.tour import PAGE, masked, page, play


async def test_the_tour_is_as_it_is_written(server, tmp_path):
    assert masked(page(await play(server, tmp_path / "home"))) == masked(PAGE.read_text())
