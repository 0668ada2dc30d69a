"""The tools that agents may be given. A new tool is registered here and nowhere else."""

from activities.tools.images import describe_asset, find_model, publish_to_catalog, render_shot, venue_rules
from activities.tools.people import escalate_to_human

TOOLS = (
    find_model,
    venue_rules,
    render_shot,
    describe_asset,
    publish_to_catalog,
    escalate_to_human,
)
