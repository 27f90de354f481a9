"""Who may ask, by real HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from support.ui_servers import TOKEN, Page, served

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "a.mp4").write_text("frames 1")
    with served(folder, tmp_path_factory.mktemp("state")) as found:
        yield found


def cookie(page: Page) -> dict[str, str | None]:
    """What a browser sends once it has been let in, without the header of programs."""
    entered = page.ask("GET", f"/?token={TOKEN}", headers={"Authorization": None})
    assert entered.status == 303
    assert entered.headers["location"] == "/"
    kept = entered.headers["set-cookie"]
    assert "HttpOnly" in kept
    assert "SameSite=strict" in kept
    return {"Cookie": kept.partition(";")[0], "Authorization": None}


def own(page: Page) -> str:
    return f"http://127.0.0.1:{page.port}"


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "tökén"])
def test_a_wrong_token_opens_nothing(page: Page, token: str) -> None:
    shown = token.encode().decode("latin-1")
    for headers in (
        {"Authorization": f"Bearer {shown}"},
        {"Authorization": shown or None},
        {"Authorization": None, "Cookie": f"vsr_token_{page.port}={shown}"},
        {"Authorization": None, "Cookie": f'vsr_token_{page.port}="{shown}'},
    ):
        answer = page.ask("GET", "/api/files", headers=headers)
        assert answer.status == 401
        assert "token" in answer.json["error"]
    entered = page.ask("GET", f"/?token={shown.encode('latin-1').hex()}")
    assert (entered.status, entered.headers.get("set-cookie")) == (403, None)


def test_no_request_of_the_api_goes_without(page: Page) -> None:
    for path in ("about", "files", "jobs", "events", "media?path=a.mp4", "uploads/x", "nosuch"):
        assert page.ask("GET", f"/api/{path}", headers={"Authorization": None}).status == 401
    assert page.ask("POST", "/api/jobs", {}, headers={"Authorization": None}).status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("[::1]:{port}", 200),
        ("localhost:9999", 200),  # as `ssh -L 9999:127.0.0.1:PORT` has it
        ("evil.example:{port}", 421),
        ("127.0.0.1.evil.example:{port}", 421),
        ("127.0.0.1@evil.example", 421),
        ("192.168.1.5:{port}", 421),
        ("localhost:port", 421),
        ("", 421),
    ],
)
def test_the_host_must_be_this_one(page: Page, host: str, status: int) -> None:
    answer = page.ask("GET", "/api/files", headers={"Host": host.format(port=page.port)})
    assert answer.status == status
    answer = page.ask("GET", "/", headers={"Host": host.format(port=page.port)})
    assert answer.status == status


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"]
)
def test_other_pages_are_not_answered(page: Page, origin: str) -> None:
    for method, body in (("GET", None), ("POST", {"command": "upscale", "source": "a.mp4"})):
        answer = page.ask(method, "/api/jobs", body, headers={"Origin": origin})
        assert answer.status == 403
    assert page.get("/api/jobs") == []


def test_a_change_by_cookie_must_come_from_the_page_itself(page: Page) -> None:
    body, headers = {"command": "check", "source": "a.mp4", "target": "a.mp4"}, cookie(page)
    ways: list[tuple[dict[str, str | None], int]] = [
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": own(page)}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": own(page)}, 200),
    ]
    for more, status in ways:
        assert page.ask("POST", "/api/command", body, {**headers, **more}).status == status
    assert page.ask("GET", "/api/jobs", headers=headers).status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
def test_what_a_form_can_send_changes_nothing(page: Page, kind: str | None) -> None:
    body = b'{"command": "upscale", "source": "a.mp4"}'
    answer = page.ask("POST", "/api/jobs", body, {"Content-Type": kind})
    assert answer.status == 415
    assert page.get("/api/jobs") == []


def test_headers_of_every_answer(page: Page) -> None:
    for path in ("/", "/static/index.html", "/api/files", "/api/nosuch", "/nosuch"):
        headers = page.ask("GET", path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/api/media?path=..%2f..%2fetc%2fpasswd",
        "/api/media?path=/etc/passwd",
        "/api/page?path=..%2Fa.html",
        "/api/files?path=..",
        "/api/record?path=../a.mp4",
        "/api/jobs/..%2f..%2fserver.lock/log",
        "/api/jobs/../token",
    ],
)
def test_no_path_leads_out(page: Page, path: str) -> None:
    assert page.ask("GET", path).status in (400, 403, 404)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"1", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(page: Page, body: bytes) -> None:
    answer = page.ask("POST", "/api/jobs", body, {"Content-Type": "application/json"})
    assert answer.status == 400
    assert "JSON" in answer.json["error"]


def test_long_requests_are_refused(page: Page) -> None:
    answer = page.ask("POST", "/api/jobs", {"command": "x" * (2 << 20)})
    assert answer.status == 413
    with socket.create_connection((page.host, page.port), timeout=20) as raw:
        raw.sendall(b"GET /api/files HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000)
        assert raw.recv(100).startswith(b"HTTP/1.1 4")
    assert page.ask("GET", "/api/files").status == 200


def test_addresses_and_methods_that_there_are_not(page: Page) -> None:
    assert page.ask("GET", "/api/nosuch").json == {"error": "there is nothing by that address"}
    assert page.ask("DELETE", "/api/files").status == 405
