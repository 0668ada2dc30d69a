"""What the parts answer when they are away: a plain word, and nothing that not everybody may read."""

from temporalio.client import Client

from activities.database import Database
from activities.health import Health
from activities.vital_signs import database, temporal

GONE = "postgresql+psycopg://ines:hush@127.0.0.1:1/callsheet"


async def test_a_server_and_a_database_that_are_away_are_named_without_their_addresses():
    client, away = await Client.connect("127.0.0.1:1", lazy=True), Database(GONE)
    report = await Health({"temporal": temporal(client), "database": database(away)}, patience=20).report()
    away.close()
    assert report.failing == {"temporal": "the Temporal server does not answer", "database": "OperationalError"}
    assert "hush" not in str(report)
    assert "127.0.0.1" not in str(report)


async def test_a_schema_that_does_not_fit_makes_a_process_unready_until_it_is_migrated(tmp_path):
    opened = Database(f"sqlite:///{tmp_path / 'callsheet.db'}")
    check = database(opened)
    opened.schema.migrate("0012")
    before = await check()
    opened.prepare()
    after = await check()
    opened.close()
    assert before.startswith("the schema does not fit: it is at 0012, this code needs ")
    assert after == ""
