"""Asks the real amtool what it makes of matchers: many of them in one process."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

_CHECKED = re.compile(r"^Checking '.*/(\d+)\.yml'  (SUCCESS|FAILED)", re.MULTILINE)


def accepted(amtool: Path, folder: Path, texts: Sequence[str]) -> list[bool]:
    """Which of these amtool takes as the matchers of a route."""
    files = [folder / f"{number}.yml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(_config([text]), encoding="utf-8")
    command = [str(amtool), "check-config", *map(str, files)]
    told = subprocess.run(command, capture_output=True, check=False, text=True).stdout
    answers = {int(number): word == "SUCCESS" for number, word in _CHECKED.findall(told)}
    return [answers[number] for number in range(len(texts))]


def matching(
    amtool: Path, folder: Path, texts: Sequence[str], label_sets: Sequence[Mapping[str, str]]
) -> list[set[int]]:
    """For each set of labels the numbers of the texts that amtool finds to match it."""
    config = folder / "all.yml"
    config.write_text(_config(texts), encoding="utf-8")

    def ask(labels: Mapping[str, str]) -> set[int]:
        given = [f"{name}={_quoted(value)}" for name, value in labels.items()]
        command = [str(amtool), "config", "routes", "test", f"--config.file={config}", *given]
        told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        return {int(name) for name in told.strip().split(",") if name != "nobody"}

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(ask, label_sets))


def receivers(amtool: Path, config: Path, label_sets: Sequence[Mapping[str, str]]) -> list[str]:
    """The receiver of this configuration to which amtool says that each set of labels goes."""

    def ask(labels: Mapping[str, str]) -> str:
        given = [f"{name}={_quoted(value)}" for name, value in labels.items()]
        command = [str(amtool), "config", "routes", "test", f"--config.file={config}", *given]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(ask, label_sets))


def _config(texts: Sequence[str]) -> str:
    """A configuration with a receiver for each text, which is told apart by its number."""
    names = [str(number) for number in range(len(texts))]
    routes = [
        {"receiver": name, "matchers": [text], "continue": True}
        for name, text in zip(names, texts, strict=True)
    ]
    receivers = [{"name": name} for name in ("nobody", *names)]
    document = {"route": {"receiver": "nobody", "routes": routes}, "receivers": receivers}
    return yaml.safe_dump(document)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
