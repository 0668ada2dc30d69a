"""Scripts are written as files as well, and the stand-in runs from the command line."""

import asyncio
import signal
import sys

import httpx2
import pytest
from anthropic import AsyncAnthropic, BadRequestError, OverloadedError

from rehearsal.roles import Roles
from rehearsal.script_files import load_script
from rehearsal.server import Rehearsal
from tests.activities.rehearsed import TOOLS, prompt, rehearsed

SCRIPT = """
critic:
  - fail: {status: 529, type: overloaded_error, times: 1}
  - calls:
      - {name: look, input: {at: hem}}
      - {name: look}
  - refuse: bio
  - cut: {say: "half of this"}
  - pause:
  - forever: {answer: {score: 90}}
"""


async def test_a_script_file_plays_like_one_in_code(tmp_path):
    path = tmp_path / "script.yaml"
    path.write_text(SCRIPT)
    async with rehearsed(load_script(path)) as (_, client):
        with pytest.raises(OverloadedError):
            await client.messages.create(**prompt(tools=TOOLS))
        heard = [await client.messages.create(**prompt(tools=TOOLS)) for _ in range(6)]

    assert [block.input for block in heard[0].content] == [{"at": "hem"}, {}]
    reasons = [message.stop_reason for message in heard]
    assert reasons == ["tool_use", "refusal", "max_tokens", "pause_turn", "end_turn", "end_turn"]
    assert heard[2].content[0].text == "half o"
    assert heard[-1].content[0].text == '{"score": 90}'


async def test_a_script_file_may_have_a_part_for_summaries(tmp_path):
    path = tmp_path / "script.yaml"
    path.write_text("compaction: [{compacts: In short.}, {compacts: }]\ncritic: [{expire: }, {say: Fine.}]")
    async with rehearsed(load_script(path)) as (_, client):
        more = {"betas": ["compact-2026-09-04"], "compaction": {"type": "summarize"}}
        blocks = [(await client.beta.messages.create(**prompt(), **more)).content[0] for _ in range(3)]
        with pytest.raises(BadRequestError, match="only a request in a batch"):
            await client.messages.create(**prompt())
        message = await client.messages.create(**prompt())

    assert [block.content for block in blocks[:2]] == ["In short.", None]
    assert blocks[2].content.startswith("Summary by rule")
    assert message.content[0].text == "Fine."


@pytest.mark.parametrize(
    "text", ["[]", "critic: [{dance: 1}]", "critic: [{call: {input: {}}}]", "critic: [{stall: {}}]"]
)
def test_a_wrong_script_file_is_refused_in_words(tmp_path, text):
    path = tmp_path / "script.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=r"a script maps|is no turn"):
        load_script(path)


async def test_the_command_line_serves_until_it_is_told_to_end(tmp_path):
    path = tmp_path / "script.yaml"
    path.write_text("critic: [{say: Fine.}]")
    options = ["-m", "rehearsal", "--port", "0", "--script", str(path)]
    process = await asyncio.create_subprocess_exec(sys.executable, *options, stdout=asyncio.subprocess.PIPE)
    try:
        line = (await process.stdout.readline()).decode()
        url = line.split()[-1]
        async with AsyncAnthropic(api_key="k", base_url=url, max_retries=0) as client:
            message = await client.messages.create(**prompt())
        async with httpx2.AsyncClient() as plain:
            about = (await plain.get(f"{url}/rehearsal")).json()
    finally:
        process.send_signal(signal.SIGTERM)
        code = await process.wait()

    assert "no language model" in line
    assert message.content[0].text == "Fine."
    assert about["player"] == "Script"
    assert code == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_it_listens_where_it_is_told_to(host):
    async with Rehearsal(Roles(), host=host) as server, httpx2.AsyncClient() as plain:
        assert server.url.startswith(f"http://{host}:")
        assert (await plain.get(f"http://127.0.0.1:{server.port}/rehearsal")).status_code == 200
