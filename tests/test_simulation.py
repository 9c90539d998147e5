"""The simulation itself: it finds nothing in what is there, and each planted bug in a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.simulation.crossings import INSTANTS
from tests.simulation.history import scratch, tell
from tests.simulation.releases import NOT_NOW, UNALLOWED
from tests.simulation.restores import SENT_AGAIN
from tests.simulation.shares import FROZEN

ROOT: Final = Path(__file__).parents[1]
PLANTED: Final = ROOT / "tests" / "simulation" / "planted"
FOUND_BY: Final = {
    "another_revision_than_said": FROZEN,
    "already_taken_for_contention": "what is done is not decided again",
    "automatic_despite_a_latch": UNALLOWED,
    "automatic_without_cooldown": UNALLOWED,
    "blind_retry_of_traffic": "what may have happened is not asked for again",
    "commit_without_event_id": "an event takes effect once",
    "data_import_sent_again": SENT_AGAIN,
    "lease_without_fencing": "a stale holder's result is refused",
    "lost_publish_without_sweep": "it comes to rest",
    "freeze_forgotten": "a freeze ends with the review of its incident, and not before",
    "merged_alerts_are_lost": "no alert fires on a resolved incident",
    "missing_metrics_prove_it": "nothing is called recovered without proof",
    "one_approval_suffices": UNALLOWED,
    "page_before_commit": "nothing is published before it is committed",
    "release_into_an_incident": NOT_NOW,
    "reminder_lost_during_the_check": "an open incident nobody has always has a page to come",
    "resolve_races_alert": "no alert fires on a resolved incident",
    "raised_to_sev1_unanswered": "sev1 is told and frozen in the commit that makes it so",
    "symptom_left_silent": "whoever waits for a cause waits for one that is open and was paged",
    "symptoms_end_with_their_cause": "no alert fires on a resolved incident",
    "two_leases_on_one_rollback": "one lease on an action at a time",
}


def simulate(root: Path, *arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """`python -m tests.simulation` of the source tree under `root`."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_no_history_breaks_an_invariant() -> None:
    """Forty bad half-hours, each with hundreds of steps and ten faults at least, end well."""
    with scratch() as folder:
        told = [tell(seed, folder) for seed in range(40)]
    broken = [each for each in told if each.broken]
    assert not broken, f"python -m tests.simulation --seed {broken[0].seed}: {broken[0].broken}"
    assert sum(each.steps for each in told) >= 200 * len(told)
    assert sum(each.faults for each in told) >= 10 * len(told)


def test_a_seed_tells_the_same_history_everywhere() -> None:
    """Another process, with another order of its sets, takes the same steps to the same end."""
    program = (
        "from tests.simulation.history import scratch, tell\n"
        "with scratch() as folder:\n"
        "    print([(t.steps, t.faults, t.digest) for t in (tell(s, folder) for s in range(3))])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(told) == 1


def test_each_port_has_instants_at_which_a_worker_may_die() -> None:
    """Both sides of every method of every port, also of those that will be added."""
    assert ("heads.commit", "before") in INSTANTS
    assert ("traffic.send", "after") in INSTANTS
    assert len(INSTANTS) == len(set(INSTANTS))


def test_every_planted_bug_is_looked_for() -> None:
    """A patch without an expectation would be found by chance, or not at all."""
    assert sorted(patch.stem for patch in PLANTED.glob("*.patch")) == sorted(FOUND_BY)


@pytest.mark.parametrize("bug", sorted(FOUND_BY))
def test_a_planted_bug_can_still_be_planted(bug: str, tmp_path: Path) -> None:
    """The code has not changed where the patch changes it."""
    shutil.copytree(ROOT / "shared", tmp_path / "shared")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    patch = PLANTED / f"{bug}.patch"
    check = ["git", "apply", "--check", "-C1", str(patch)]
    tried = subprocess.run(check, cwd=tmp_path, capture_output=True, check=False, timeout=30)
    assert tried.returncode == 0, tried.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("bug", sorted(FOUND_BY))
def test_a_planted_bug_is_found(bug: str, tmp_path: Path) -> None:
    """In a copy with the bug a seed of the first 500 breaks the invariant that names it."""
    for part in ("shared", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", "samples")
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
    patch = PLANTED / f"{bug}.patch"
    subprocess.run(["git", "apply", "-C1", str(patch)], cwd=tmp_path, check=True, timeout=30)
    found = simulate(tmp_path, "--seeds", "500")
    assert found.returncode == 1, found.stderr
    assert FOUND_BY[bug] in found.stdout
    assert "Again: python -m tests.simulation --seed" in found.stdout
