"""Java programs from Maven Central, fetched once."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from docstore_standalone.embedded.binaries import ProgramMissing
from docstore_standalone.supervision.processes import ServerFailed

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>docstore</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
DEPENDENCY = "    <dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
Artifact = tuple[str, str, str]
"""Group, name, version."""
LOG4J = """rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1}: %m%n
"""
"""Settings of Log4j 2: warnings and worse go to the program's output."""


def run_tool(command: Sequence[str]) -> None:
    """Run a command; ServerFailed with its output if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerFailed(f"{command[0]} ended with status {done.returncode}\n{done.stdout}{done.stderr}")


def fetch_jars(jars: Path, artifacts: Sequence[Artifact], program: str, *, tool: str = "java") -> Path:
    """Fetch these artifacts with their dependencies to `jars`; ProgramMissing without `tool` (Java 17) or mvn."""
    if not shutil.which(tool):
        raise ProgramMissing(f"{program} needs {tool} of Java 17 or later on the PATH")
    if jars.is_dir():
        return jars
    if not shutil.which("mvn"):
        raise ProgramMissing(f"{program}'s jars are fetched by mvn, which is not on the PATH")
    fetched = jars.with_name(f"{jars.name}.{os.getpid()}")
    fetched.mkdir(parents=True, exist_ok=True)
    pom = jars.parent / f"pom-{os.getpid()}.xml"
    pom.write_text(POM.format(dependencies="\n".join(DEPENDENCY.format(*artifact) for artifact in artifacts)))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fetched.resolve()}"]
    run_tool(["mvn", "--batch-mode", "--quiet", "-f", str(pom), *goal])
    pom.unlink()
    try:
        fetched.rename(jars)
    except OSError:  # another process was faster
        shutil.rmtree(fetched)
    return jars
