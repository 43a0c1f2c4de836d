"""Put into a wheel what the package finds beside itself in a checkout: statements, default models, DAGs, plugin."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BESIDE = ("sql/**/*.sql", "models/*.yaml", "dags/*.py", "plugins/*.py")


class BuildWhole(build_py):
    """Copies them into `clustering/shipped`, where `clustering.config.PROJECT` looks first."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for pattern in BESIDE:
                for path in sorted(Path().glob(pattern)):
                    target = Path(self.build_lib, "clustering", "shipped", path)
                    self.mkpath(str(target.parent))
                    self.copy_file(str(path), str(target))


setup(cmdclass={"build_py": BuildWhole})
