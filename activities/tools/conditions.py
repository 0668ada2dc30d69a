"""Conditions: what a tool must fulfil before any agent may be given it."""

from activities.tools.definition import BadTool, Tool


def conditions(tool: Tool) -> None:
    """Refuse a tool whose effect happens once, where nothing keeps it from happening twice or unasked.

    Raises:
        BadTool: there is no way to look the effect up, no key that its target honours, and nobody who clears it.
    """
    if tool.policy.effect != "once" or tool.reconcile or tool.idempotent or tool.permit or tool.approval:
        return
    problem = f"{tool.name}: it happens once, but nothing keeps it from happening twice, or unasked"
    raise BadTool(
        problem,
        "give it reconcile=FUNCTION, which looks up whether it happened; or idempotent=True, if its target does it "
        'once for each context.key; or approval="WHY", so that a person agrees to each call; or permit="ARGUMENT", so '
        'that it acts on nothing but what the gate or a person cleared; or make it effect="write", if doing it again '
        "does no harm",
    )
