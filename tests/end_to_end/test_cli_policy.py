"""`switchman simulate` and `switchman policy`, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

from shared.config import SHIPPED_POLICY
from tests.end_to_end.test_cli import ALERT, a_store, switchman, webhook

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "bad-revision.jsonl"
_FAILING = """policy: {policy}
cases:
  - name: it is somebody else's
    given:
      - alert: {{labels: {{alertname: ConvexBackendDown, severity: critical}}}}
    then:
      - {{lane: auth, paged: [wanda]}}
  - name: it is right
    given:
      - alert: {{labels: {{alertname: ConvexBackendDown, severity: critical}}}}
    then:
      - {{lane: infra}}
"""


def test_example_of_the_documentation_plays() -> None:
    """The timeline in the documentation shows the page, the proposal and the recovery, timed."""
    ended = switchman("simulate", EXAMPLE)
    assert ended.returncode == 0, ended.stderr
    assert "+12m  alert            CloudRunRequestsFail firing (sev1, lane infra)" in ended.stdout
    assert "ivo of infra in #oncall-infra: escalated" in ended.stdout
    assert "Recovered: health restored 20.0 s" in ended.stdout
    assert ended.stdout.endswith("2 pages; incidents: infra sev1 resolved\n")


def test_play_as_json() -> None:
    """As JSON each line has its time, its kind and its incident; the incidents are as ever."""
    told = json.loads(switchman("simulate", EXAMPLE, "--json").stdout)
    (incident,) = told["incidents"]
    kinds = [line["kind"] for line in told["lines"]]
    assert kinds.count("page") == len(incident["pages"]) == 2
    assert incident["rollback"]["verdict"] == "recovered"
    assert {line["incident"] for line in told["lines"]} == {"", incident["id"]}


def test_wrong_timeline_is_refused(tmp_path: Path) -> None:
    """Faults come as file and line on standard error, and nothing is played."""
    file = tmp_path / "t.jsonl"
    file.write_text('{"end": true}\n{"approve": "inez"}\n', encoding="utf-8")
    ended = switchman("simulate", file)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"{file}:2: there is no 'inez' in people of the policy")


def test_export_is_a_recording_without_secrets(tmp_path: Path) -> None:
    """What was received comes out as lines that `classify` reads, without tokens and addresses."""
    told = {**ALERT, "annotations": {"summary": "token=s3cr3t for ann@example.com"}}
    with a_store(tmp_path, webhook(told), b"{}") as store:
        ended = switchman("incidents", "export", "--since", "2026-01-01T00:00:00Z", store=store)
        later = switchman("incidents", "export", "--since", "2026-03-01T00:00:00Z", store=store)
    assert ended.returncode == 0, ended.stderr
    (line,) = ended.stdout.splitlines()
    assert "s3cr3t" not in line
    assert "ann@example.com" not in line
    found = json.loads(switchman("classify", "-", stdin=line.encode()).stdout)
    assert (found["alert"], found["lane"]) == ("ConvexProjectionLagHigh", "projector")
    assert (later.returncode, later.stdout) == (0, "")


def test_export_of_no_time_is_refused(tmp_path: Path) -> None:
    """A time that is none is named, with what would be right."""
    with a_store(tmp_path, webhook(ALERT), b"{}") as store:
        ended = switchman("incidents", "export", "--since", "yesterday", store=store)
    assert ended.returncode == 2
    assert "'yesterday' is no time; say an age such as 7d, or an instant" in ended.stderr


def test_cases_of_the_shipped_policy_pass() -> None:
    """They run without being named, and say how many there are."""
    ended = switchman("policy", "test")
    assert ended.returncode == 0, ended.stdout
    assert f"cases of {Path(SHIPPED_POLICY)} pass." in ended.stdout


def test_failing_case_is_shown_with_what_came_instead(tmp_path: Path) -> None:
    """Each thing that differs has its line, what was expected, what came, and why; exit 1."""
    file = tmp_path / "mine.test.yaml"
    file.write_text(_FAILING.format(policy=SHIPPED_POLICY), encoding="utf-8")
    ended = switchman("policy", "test", file)
    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert lines[0] == f"{file}:7: it is somebody else's, at +0s: lane"
    assert lines[1:3] == ["    expected  auth", "    got       infra"]
    assert lines[3].startswith("    because   ")
    assert lines[-1] == f"1 of 2 cases of {SHIPPED_POLICY} pass."


def test_failing_case_as_json(tmp_path: Path) -> None:
    """As JSON every case has its name, whether it passed, and what differs."""
    file = tmp_path / "mine.test.yaml"
    file.write_text(_FAILING.format(policy=SHIPPED_POLICY), encoding="utf-8")
    ended = switchman("policy", "test", file, "--json")
    told = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert [case["passed"] for case in told["cases"]] == [False, True]
    assert [each["what"] for each in told["cases"][0]["mismatches"]] == ["lane", "paged"]


def test_cases_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """Wrong keys are faults with their line, and the exit code is that of wrong usage."""
    file = tmp_path / "mine.test.yaml"
    file.write_text("cases:\n  - nam: x\n", encoding="utf-8")
    ended = switchman("policy", "test", file)
    assert ended.returncode == 2
    assert f"{file}:2: 'nam' is not known here; did you mean name?" in ended.stderr


def test_policy_without_cases_is_refused(tmp_path: Path) -> None:
    """A policy that has no cases beside it is not said to pass them."""
    ended = switchman("policy", "test", tmp_path / "mine.yaml")
    assert ended.returncode == 2
    assert f"{tmp_path / 'mine.test.yaml'}:1: cannot be read: No such file" in ended.stderr


def recording(folder: Path) -> Path:
    """Two alerts as a sender told them, each a line."""
    file = folder / "recorded.jsonl"
    labels = {"alertname": "ConvexTokenMintingFailures", "severity": "critical"}
    minting = {**ALERT, "labels": labels, "fingerprint": "00000000000000a2"}
    file.write_bytes(webhook(ALERT) + b"\n" + webhook(minting) + b"\n")
    return file


def test_diff_says_what_would_change(tmp_path: Path) -> None:
    """Another owner of a lane is a page to another person, with the reasons; none is lost."""
    other = tmp_path / "new.yaml"
    shipped = Path(SHIPPED_POLICY).read_text(encoding="utf-8")
    other.write_text(shipped.replace("owner: web", "owner: infra"), encoding="utf-8")
    ended = switchman("policy", "diff", SHIPPED_POLICY, other, "--on", recording(tmp_path))
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0] == "0 of 2 change lane; 1 go to another person"
    assert lines[2] == "ConvexTokenMintingFailures: page goes to another person"
    assert lines[3] == f"    {tmp_path / 'recorded.jsonl'}:2"
    assert "pages wanda" in lines[4]
    assert "pages ines" in lines[6]


def test_diff_in_which_a_page_for_something_critical_is_late_says_no(tmp_path: Path) -> None:
    """Quiet hours that hold a sev2 back until noon are as good as a page lost: exit code 1."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    shipped = Path(SHIPPED_POLICY).read_text(encoding="utf-8")
    quiet = "quiet_hours: [{time_zone: UTC, severity: [sev2], hours: 00:00-12:00}]\n"
    old.write_text(shipped, encoding="utf-8")
    new.write_text(shipped + quiet, encoding="utf-8")
    labels = {"alertname": "ConvexBackendLatencyHigh", "severity": "error"}
    told = {**ALERT, "labels": labels, "startsAt": "2026-02-25T03:00:00Z"}
    file = tmp_path / "recorded.jsonl"
    file.write_bytes(webhook(told))
    ended = switchman("policy", "diff", old, new, "--on", file)
    assert ended.returncode == 1
    assert ended.stdout.startswith("0 of 1 change lane; 1 pages late\n")
    assert "pages ines after 9h, rollback proposed" in ended.stdout
    assert ended.stderr == "1 pages for critical alerts would be lost or late.\n"


def test_diff_as_json(tmp_path: Path) -> None:
    """As JSON every alert that changes has both treatments."""
    file = recording(tmp_path)
    told = switchman("policy", "diff", SHIPPED_POLICY, SHIPPED_POLICY, "--on", file, "--json")
    assert json.loads(told.stdout) == {"alerts": 2, "counts": {"critical lost": 0}, "changes": []}


def test_diff_on_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Every line that is no message of alerts is named, and the exit code is 2."""
    file = tmp_path / "recorded.jsonl"
    file.write_bytes(webhook(ALERT) + b"\nnonsense\n{}\n")
    ended = switchman("policy", "diff", SHIPPED_POLICY, SHIPPED_POLICY, "--on", file)
    assert ended.returncode == 2
    first, second = ended.stderr.splitlines()
    assert first.startswith(f"{file}:2: ")
    assert second.startswith(f"{file}:3: ")


def test_policy_is_made_from_alertmanagers_configuration(tmp_path: Path) -> None:
    """It is written where it is asked to be, with what was left out on standard error."""
    config, policy = tmp_path / "alertmanager.yml", tmp_path / "policy.yaml"
    config.write_text(
        "route: {receiver: ops}\n"
        "receivers:\n"
        "  - name: ops\n"
        "    slack_configs: [{channel: '#ops'}]\n"
        "    email_configs: [{to: ops@example.com}]\n",
        encoding="utf-8",
    )
    made = switchman("policy", "from-alertmanager", config, "-o", policy)
    assert (made.returncode, made.stdout) == (0, "")
    assert made.stderr == f"{config}:5: email of receiver 'ops' is not carried over\n"
    assert "TODO is on call for ops" in switchman("lint", policy).stderr
    again = switchman("policy", "from-alertmanager", config, "-o", policy)
    assert again.returncode == 2
    assert "name a file that is not there yet" in again.stderr
