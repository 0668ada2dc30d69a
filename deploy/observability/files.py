"""The generated files: what each one has in it, by its place."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ruamel.yaml import YAML

from deploy.observability import boards, rules
from deploy.observability.rules.values import Group

HERE = Path(__file__).parent
NOTE = "# Written by `make dashboards` from deploy/observability; edit the sources there.\n"


def generated() -> Mapping[Path, str]:
    """Write every generated file, as text."""
    files = {
        HERE / "prometheus" / "recording.rules.yml": as_yaml(rules.recording()),
        HERE / "prometheus" / "alerts.rules.yml": as_yaml(rules.alerts()),
    }
    pages = {HERE / "grafana" / "dashboards" / f"{board['uid']}.json": board for board in boards.every()}
    return files | {path: json.dumps(board, indent=2, ensure_ascii=False) + "\n" for path, board in pages.items()}


def as_yaml(groups: Sequence[Group]) -> str:
    """Write rules as Prometheus reads them."""
    yaml, text = YAML(), io.StringIO()
    yaml.width = 10_000  # expressions stay on one line, so that a change shows as one
    yaml.dump({"groups": [group.data() for group in groups]}, text)
    return NOTE + text.getvalue()
