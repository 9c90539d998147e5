"""Answers one request as the framework would, and says which modules that loaded.

`first_answer.py NAME MAIN` reads `{"method", "path", "body", "headers"}` from standard input and writes
`{"status", "framework", "imported", "answered"}`: what the framework alone has loaded, what
`import main` added, and what the first answer added. It imports nothing of the tests, because it
runs where only what is deployed can be imported.
"""

import json
import sys


def main(name: str, source: str) -> None:
    """Load the function, let it answer, and print the report."""
    import functions_framework

    request = json.load(sys.stdin)
    functions_framework.LazyWSGIApp(name, source)  # type: ignore[no-untyped-call]
    framework = set(sys.modules)
    app = functions_framework.create_app(name, source)  # type: ignore[no-untyped-call]
    imported = set(sys.modules) - framework
    client = app.test_client()
    before = set(sys.modules)
    answer = client.open(
        request["path"],
        method=request["method"],
        data=request["body"],
        headers=request["headers"],
    )
    answered = set(sys.modules) - before
    report = {"framework": framework, "imported": imported, "answered": answered}
    shown = {part: sorted(modules) for part, modules in report.items()}
    json.dump({"status": answer.status_code, **shown}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
