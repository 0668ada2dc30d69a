"""Values that cannot work are refused, by name, before anything reaches a cluster."""

import json
import re

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from tests.deploy.cluster import CHART, render

WRONG = {
    "image.tag=latest": "image.tag: latest is another image every week",
    "image.digest=abc": "/image/digest",
    "temporal.address=nowhere": "/temporal/address",
    "temporal.auth=password": "/temporal/auth",
    "temporal.auth=mtls": "/temporal/mtls/secret",
    "temporal.auth=apiKey": "/temporal/apiKey/secret",
    "settings.CALLSHEET_DATABASE=x": "settings.CALLSHEET_DATABASE is a secret",
    "settings.CALLSHEET_QUEUES=model": "settings.CALLSHEET_QUEUES is set by the chart",
    "settings.FLEET_DAY_USD=5": "invalid propertyName 'FLEET_DAY_USD'",
    "environment.ANTHROPIC_API_KEY=x": "environment.ANTHROPIC_API_KEY looks like a secret",
    "pools.model.environment.AWS_SECRET_ACCESS_KEY=x": "environment.AWS_SECRET_ACCESS_KEY looks like a secret",
    "environment.TEMPORAL_ADDRESS=x": "environment.TEMPORAL_ADDRESS belongs under",
    "secrets.model.ANTHROPIC_API_KEY=sk-ant-x": "/secrets/model/ANTHROPIC_API_KEY",
    "pools.model.terminationGracePeriodSeconds=30": "/pools/model/terminationGracePeriodSeconds",
    "pools.model.replicas=-1": "/pools/model/replicas",
    "pools.model.autoscaling.max=0": "/pools/model/autoscaling/max",
    "pools.model.autoscaling.min=9": "pools.model.autoscaling: min 9 is above max 6",
    "pools.model.disruption.maxUnavailable=100%": "/pools/model/disruption/maxUnavailable",
    "pools.model.resources.limits.memory=lots": "/pools/model/resources/limits/memory",
    "pools.model.queues={model,tools}": "model and tools both serve the queue tools",
    "pools.studio.enabled=false": "no pool serves the queue studio",
    "pools.Studio.queues={gpu}": "invalid propertyName 'Studio'",
    "pools.gpu.queues={gpu}": "/pools/gpu",
    "versioning.steps[0].rampPercentage=100": "/versioning/steps/0/rampPercentage",
    "decisions.keys[0]=short": "/decisions/keys/0",
    "desk.url=": "desk.url: the address that browsers use is needed",
    "desk.oidc.issuer=": "desk: people sign in with",
    "desk.oidc.issuer=http://login.example.org": "/desk/oidc/issuer",
    "decisions.signingKey.secret=": "decisions: a desk signs with",
    "podSecurity.user=0": "/podSecurity/user",
    "autoscaling.busy=2": "/autoscaling/busy",
    "pool.model=1": "additional properties 'pool' not allowed",
}


@pytest.mark.parametrize("value", WRONG)
def test_a_wrong_value_is_refused_by_its_name(value):
    done = render("small", "--set", value)
    assert done.returncode
    assert WRONG[value] in done.stderr


def test_a_chart_without_an_address_is_refused():
    done = render("small", "--set", "temporal.address=")
    assert "/temporal/address" in done.stderr


def test_every_value_that_templates_use_is_in_values_and_in_the_schema():
    values = YAML(typ="safe").load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert values.keys() == schema["properties"].keys()
    used = {
        name for path in CHART.glob("templates/*") for name in re.findall(r"\.Values\.([a-zA-Z]+)", path.read_text())
    }
    assert used == values.keys()
    Draft202012Validator.check_schema(schema)
