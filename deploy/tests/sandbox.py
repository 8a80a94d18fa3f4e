"""A copy of the files of a script, and fakes (fakes/) of the commands that it runs."""

import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

from manifests import ROOT

FAKES = ("gcloud", "kubectl", "helm", "docker", "kind", "minikube", "k3s", "sudo", "loader")


class Sandbox:
    """The folders of deploy/ that are named, and fakes on the PATH."""

    def __init__(self, script, *folders):
        self.folder = tempfile.TemporaryDirectory(prefix="delaycast-deploy-")
        self.root = pathlib.Path(self.folder.name)
        self.script = self.root / script
        ignored = shutil.ignore_patterns("site", "config.env")
        for folder in folders:
            shutil.copytree(ROOT / "deploy" / folder, self.root / "deploy" / folder, ignore=ignored)
        shutil.copy(ROOT / "Cargo.toml", self.root)
        (self.root / "bin").mkdir()
        for command in FAKES:
            fake = self.root / "bin" / command
            shebang = f"#!{sys.executable} -IS\n"
            fake.write_text(shebang + (ROOT / "deploy/tests/fakes/fake_cloud.py").read_text())
            fake.chmod(fake.stat().st_mode | stat.S_IXUSR)

    def run(self, *words, says="", fails="", **fakes):
        """Runs the script; returns its result, and the calls that it made."""
        (self.root / "calls").write_text("")
        # A test sees temporary files that stay behind.
        (self.root / "tmp").mkdir(exist_ok=True)
        inherited = {key: value for key, value in os.environ.items() if key not in ("KUBECTL", "DELAYCAST_LOAD")}
        environment = {
            **inherited,
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "TMPDIR": str(self.root / "tmp"),
            "FAKE_STATE": str(self.root),
            "FAKE_FAILS": fails,
            **fakes,
        }
        command = ["bash", self.script, *words]
        done = subprocess.run(
            command, input=says, env=environment, capture_output=True, text=True, timeout=180, check=False
        )
        return done, (self.root / "calls").read_text().splitlines()

    def forget_failures(self):
        """Makes the call that FAKE_FAILS names fail once more."""
        for path in (self.root / "made").iterdir():
            if path.read_text().startswith("failed at "):
                path.unlink()

    def made(self):
        return sorted(path.read_text() for path in (self.root / "made").iterdir())
