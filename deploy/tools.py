"""Unpacks what checks the chart and the Compose file: helm, hadolint, and the schemas of Kubernetes and Compose.

`python deploy/tools.py FOLDER`: FOLDER has the wheels of requirements/charts.lock, and gets their parts. They are not
installed: one would bring the whole of a cloud's development kit along.
"""

import shutil
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

KUBERNETES = "kubernetes_validate/kubernetes-json-schema/v1.35.0-local-strict/"
COMPOSE = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"


def main(folder: Path) -> None:
    """Unpack all of it, and remove the wheels."""
    _program(folder / "helm", _helm(_wheel(folder, "aws_cdk")))
    with ZipFile(_wheel(folder, "hadolint")) as wheel:
        _program(folder / "hadolint", wheel.read(next(name for name in wheel.namelist() if name.endswith("/hadolint"))))
    with ZipFile(_wheel(folder, "check_jsonschema")) as wheel:
        (folder / "compose-spec.json").write_bytes(wheel.read(COMPOSE))
    with ZipFile(_wheel(folder, "kubernetes_validate")) as wheel:
        schemas = folder / "kubernetes"
        shutil.rmtree(schemas, ignore_errors=True)
        schemas.mkdir()
        for name in wheel.namelist():
            if name.startswith(KUBERNETES) and name.endswith(".json"):
                (schemas / Path(name).name).write_bytes(wheel.read(name))
    for wheel_file in folder.glob("*.whl"):
        wheel_file.unlink()


def _wheel(folder: Path, name: str) -> Path:
    return next(folder.glob(f"{name}*.whl"))


def _helm(wheel_file: Path) -> bytes:
    with ZipFile(wheel_file) as wheel:
        inner = wheel.read(next(name for name in wheel.namelist() if name.endswith(".jsii.tgz")))
    with tarfile.open(fileobj=BytesIO(inner)) as package:
        layer = package.extractfile("package/lib/layer.zip")
        if layer is None:
            raise SystemExit("the wheel has no helm; look at requirements/charts.lock")
        return ZipFile(BytesIO(layer.read())).read("helm/helm")


def _program(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
