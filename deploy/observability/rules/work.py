"""Alerts on work: what is stuck, who is waited for, what fails, what goes in circles, what piles up."""

from deploy.observability.clock import Clock
from deploy.observability.promql import grown, latest
from deploy.observability.rules.values import Alert, Group

TO_ASK = "`starter.py pending` lists the questions, whose they are and since when; the answer is one command."


def group(clock: Clock) -> Group:
    """Make the alerts."""
    made = [_stuck(clock), *_waits(clock), *_backlog(clock), *_ends(clock), *_circles(clock)]
    return Group("callsheet-work", clock.pause("30s"), made)


def _stuck(clock: Clock) -> Alert:
    return Alert(
        "WorkIsStuck",
        f"{latest('agent_workflows_stuck', 'agent_name')} > 0",
        clock.pause("5m"),
        "page",
        "{{ $value }} of {{ $labels.agent_name }} left no record for 15 minutes, and wait for nobody",
        "`starter.py top` shows runs that do not answer. Look whether workers serve all task queues "
        "(QueueWaits, WorkerIsDown), and in the Temporal UI for a workflow task that fails again and again.",
    )


def _waits(clock: Clock) -> list[Alert]:
    oldest = latest("agent_question_oldest_seconds", "kind")
    waiting = f"sum({latest('agent_questions_waiting', 'kind')})"
    return [
        Alert(
            "QuestionWaits",
            f"{oldest} > {clock.seconds('4h')}",
            clock.pause("5m"),
            "ticket",
            "The oldest question of kind {{ $labels.kind }} waits for {{ $value | humanizeDuration }}",
            f"The run stands there until somebody answers, or its deadline comes. {TO_ASK}",
        ),
        Alert(
            "QuestionIsForgotten",
            f"{oldest} > {clock.seconds('24h')}",
            clock.pause("5m"),
            "page",
            "A question of kind {{ $labels.kind }} waits for {{ $value | humanizeDuration }}",
            f"Nobody seems to read the questions. {TO_ASK} `reassign` moves one to somebody else.",
        ),
        Alert(
            "QuestionsPileUp",
            f"{waiting} > 20",
            clock.pause("15m"),
            "ticket",
            "{{ $value }} questions wait for people",
            f"Either people are away, or a gate, a guard or a cap is wrong for what is made: see the dashboard "
            f"Quality for which. {TO_ASK}",
        ),
    ]


def _backlog(clock: Clock) -> list[Alert]:
    return [
        Alert(
            "QueueWaits",
            f"{latest('agent_queue_backlog_age_seconds', 'queue')} > {clock.seconds('5m')}",
            clock.pause("5m"),
            "page",
            "The oldest task on the queue {{ $labels.queue }} waits for {{ $value | humanizeDuration }}",
            "Too few workers serve this queue, or none does. Add some, or look at WorkerIsDown. On `model` a rate "
            "limit of ours (CALLSHEET_MODEL_RATE) also makes tasks wait.",
        ),
        Alert(
            "QueueGrows",
            f"{latest('agent_queue_backlog', 'queue')} > 500",
            clock.pause("15m"),
            "ticket",
            "{{ $value }} tasks wait on the queue {{ $labels.queue }}",
            "More is ordered than the workers of this queue can do. docs/operations.md, Task queues, says what each "
            "one scales by.",
        ),
    ]


def _ends(clock: Clock) -> list[Alert]:
    ended = "sum by (agent_name) (callsheet:workflows_ended:increase1h)"
    failed = 'sum by (agent_name) (callsheet:workflows_ended:increase1h{status="failed"})'
    asked = latest("agent_escalation_rate", "agent_name")
    enough = f"callsheet:workflows_ended:increase24h >= {clock.volume(20)}"
    return [
        Alert(
            "WorkFails",
            f"{failed} / ({ended} >= {clock.volume(5)}) > 0.1",
            clock.pause("5m"),
            "page",
            "{{ $value | humanizePercentage }} of {{ $labels.agent_name }} failed in the last hour",
            "`starter.py status RUN` says why a run failed; the log has its `error` entries. Look at the alerts on the "
            "model and on tools first: a failing run is mostly their consequence.",
        ),
        Alert(
            "PeopleAreAskedOften",
            f"{asked} > 0.3 and on (agent_name) ({enough})",
            clock.pause("30m"),
            "ticket",
            "{{ $value | humanizePercentage }} of {{ $labels.agent_name }} needed a person in the last 24 hours",
            "The dashboard Quality shows whether it is the gate, a guard or money. A rule that nothing meets, a prompt "
            "that was changed, and a cap that is too low look alike from far away.",
        ),
    ]


def _circles(clock: Clock) -> list[Alert]:
    halts = 'sum by (agent_name) (callsheet:rulings:increase1h{ruling="halt_loop"})'
    wedged = grown(clock, "agent_rulings_total", "1h", "agent_name", 'ruling=~"halt_(broken|output|context)"')
    return [
        Alert(
            "AgentLoops",
            f"{halts} >= {clock.volume(3)}",
            clock.pause("0s"),
            "ticket",
            '{{ $labels.agent_name }} went in circles and was halted {{ printf "%.0f" $value }} times in an hour',
            "Each one asks a person. `starter.py trace RUN` shows the repeated call and what it got back: mostly a "
            "tool whose answer does not help the agent on.",
        ),
        Alert(
            "AgentBreaksOff",
            f"{wedged} >= {clock.volume(3)}",
            clock.pause("0s"),
            "ticket",
            '{{ $labels.agent_name }} could not go on {{ printf "%.0f" $value }} times in an hour',
            "Its replies were not usable, did not have the form that was asked for, or no longer fitted the window. "
            "`starter.py transcript ID` has them word for word. Was the model or a prompt changed?",
        ),
    ]
