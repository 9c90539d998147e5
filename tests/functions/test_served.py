import subprocess
from pathlib import Path

import pytest

from tests.functions.conftest import Serve
from tests.functions.serving import NAMES, PYTHON, REPOSITORY, deploy, environment

READ_ONLY = ("status",)
SAYS_WHERE = (
    "import functions_framework, sys;"
    "functions_framework.create_app(sys.argv[1], sys.argv[2]);"
    "import functions, shared, main;"
    "print(*(m.__file__ for m in (functions, shared, main)), sep='\\n')"
)


def test_what_is_uploaded_is_the_code_and_the_shipped_policies(tmp_path: Path) -> None:
    """Only main.py, functions, shared, the policies and the requirements are uploaded."""
    source = deploy(tmp_path / "source")

    files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    tops = {path.parts[0] for path in files}
    assert tops <= {"main.py", "requirements.txt", "functions", "shared", "infra"}
    assert {path.parts[1] for path in files if path.parts[0] == "infra"} == {"policies"}
    assert Path("infra/policies/convex.yaml") in files
    assert not [path for path in files if path.suffix == ".pyc"]


def test_the_repository_is_not_importable_by_accident(tmp_path: Path) -> None:
    """Without the uploaded folder, the interpreter that serves finds nothing of ours."""
    for module in ("main", "functions", "shared"):
        tried = subprocess.run(
            (*PYTHON, "-c", f"import {module}"),
            cwd=tmp_path,
            env=environment(tmp_path, {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"No module named '{module}'" in tried.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_function_loads_nothing_but_what_was_uploaded(
    name: str, deployed: Path, tmp_path: Path
) -> None:
    """Loaded as the framework loads it, every package of ours comes from the uploaded folder."""
    told = subprocess.run(
        (*PYTHON, "-c", SAYS_WHERE, name, str(deployed / "main.py")),
        cwd=tmp_path,
        env=environment(tmp_path, {}),
        capture_output=True,
        text=True,
        check=True,
    )

    files = [Path(line) for line in told.stdout.split()]
    assert len(files) == 3
    assert all(file.is_relative_to(deployed) for file in files)
    assert not any(file.is_relative_to(REPOSITORY) for file in files)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_answers_and_refuses_wrong_methods(name: str, served: Serve) -> None:
    """Each function answers through the real server, and names the methods it takes."""
    function = served(name)
    wrong = ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]
    wrong += ["POST"] if name in READ_ONLY else [] if name == "tick" else ["GET"]

    right = function.client.request("GET" if name in READ_ONLY else "POST", "/", content=b"{}")
    refused = [function.client.request(method, "/", content=b"{}") for method in wrong]

    assert right.status_code in (200, 400, 401)
    assert [answer.status_code for answer in refused] == [405] * len(wrong)
    assert all(answer.headers["Allow"] for answer in refused)
    assert function.lives()
