"""Put into a wheel what the package finds beside itself in a checkout: statements, default models, DAGs."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BESIDE = ("sql/**/*.sql", "models/*.yaml", "dags/*.py")


class BuildWhole(build_py):
    """Copies them into `clustering/shipped`, where `clustering.config.PROJECT` looks first."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)  # an earlier release's files would be packed too
        super().run()
        if not self.editable_mode:
            for pattern in BESIDE:
                for path in sorted(Path().glob(pattern)):
                    target = Path(self.build_lib, "clustering", "shipped", path)
                    self.mkpath(str(target.parent))
                    self.copy_file(str(path), str(target))


setup(cmdclass={"build_py": BuildWhole})
