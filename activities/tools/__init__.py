"""The tools that agents may be given. A new tool is registered here and nowhere else."""

from activities.tools.candidates import cite, read_document
from activities.tools.images import describe_asset, find_model, publish_to_catalog, render_shot, venue_rules
from activities.tools.people import escalate_to_human
from activities.tools.products import describe_product
from activities.tools.takes import evaluate_shot

TOOLS = (
    find_model,
    venue_rules,
    render_shot,
    describe_asset,
    evaluate_shot,
    describe_product,
    publish_to_catalog,
    escalate_to_human,
    read_document,
    cite,
)
