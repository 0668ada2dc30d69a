"""Which version of a deployment this worker is: named by whoever deploys it, or none."""

import os
from collections.abc import Mapping
from importlib.metadata import version

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

DEPLOYMENT, BUILD = "TEMPORAL_DEPLOYMENT_NAME", "TEMPORAL_WORKER_BUILD_ID"
"""What the Temporal Worker Controller sets in every pod; without it, whoever deploys sets both or neither."""


class HalfVersioned(ValueError):  # noqa: N818 - says what is wrong, as its neighbours do
    """One of the two variables is set, the other is not."""


def deployment_of(environ: Mapping[str, str] = os.environ) -> WorkerDeploymentConfig:
    """Read the version. A run stays on the version that began it until it continues as new, then takes the current one.

    Without a version the build is still named: a worker left to itself digests every module, which takes seconds.

    Raises:
        HalfVersioned: only one of the two variables is set.
    """
    named = {name: environ.get(name, "").strip() for name in (DEPLOYMENT, BUILD)}
    given = [name for name, value in named.items() if value]
    if not given:
        return WorkerDeploymentConfig(
            WorkerDeploymentVersion("callsheet", version("callsheet")), use_worker_versioning=False
        )
    if missing := [name for name in named if name not in given]:
        raise HalfVersioned(
            f"{missing[0]} is not set, but {given[0]} is: a versioned worker needs both, any other neither"
        )
    return versioned(named[DEPLOYMENT], named[BUILD])


def versioned(deployment: str, build: str) -> WorkerDeploymentConfig:
    """Be a version. Pinned is the default here, and not at the workflows: an unversioned worker would reject those."""
    return WorkerDeploymentConfig(
        WorkerDeploymentVersion(deployment, build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )
