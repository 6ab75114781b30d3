"""The commands, as a person types them."""

import json
import os
import re
import select
import signal
import subprocess
import time
from contextlib import contextmanager

import httpx
import pytest
from gateway import ADMIN_TOKEN, BINARY, KEY, configuration, free_port, openai_site
from outside import compile_c

BASE = {name: value for name, value in os.environ.items() if not name.startswith("PATCHBAY_")}
HERE = "127.0.0.0/8"


def run(*arguments, **environment):
    return subprocess.run([str(BINARY), *map(str, arguments)], env={**BASE, **environment}, capture_output=True,
                          text=True, timeout=60)


def write(path, text):
    path.write_text(text)
    return path


class TestCheckConfiguration:
    def test_a_good_file(self, tmp_path):
        file = write(tmp_path / "good.yaml", configuration(openai_site("http://127.0.0.1:9001"), 4000, 4001))
        done = run("check-config", file)
        assert (done.returncode, done.stderr) == (0, "")

    def test_the_environment_is_filled_in(self, tmp_path):
        file = write(tmp_path / "file.yaml", 'admin: { listen: "127.0.0.1:4001", token: "${SOME_TOKEN}" }\n')
        assert run("check-config", file, SOME_TOKEN="admin-token-from-outside").returncode == 0
        done = run("check-config", file)
        assert done.returncode == 1 and f"{file}:1:" in done.stderr and "SOME_TOKEN" in done.stderr

    @pytest.mark.parametrize("text, line, column, words", [
        ("gateway: { lisen: 127.0.0.1:4000 }\n", 1, 12, "lisen"),
        ("gateway:\n  listen: nowhere\n", 2, 11, "listen"),
        ("sites:\n  - name: alpha\n    platform: openai\n    base_url: ftp://127.0.0.1\n", 4, 15, "base_url"),
        ("keys:\n  - { name: dev, key: sk-client-1-abcdefgh, models: [\"*\"] }\n"
         "  - { name: dev, key: sk-client-2-abcdefgh, models: [\"*\"] }\n", 3, None, "keys[1].name"),
        ("routes:\n  - { model: m, channels: [ { site: nothing } ] }\n", 2, None, "routes[0].channels[0].site"),
        ("gateway: { listen: [\n", None, None, ""),
        ("- a\n- b\n", 1, 1, ""),
    ])
    def test_a_bad_file_names_the_place(self, tmp_path, text, line, column, words):
        file = write(tmp_path / "bad.yaml", text)
        done = run("check-config", file)
        assert done.returncode == 1
        found = re.fullmatch(re.escape(str(file)) + r":(\d+):(\d+): (\S.*)", done.stderr.splitlines()[0])
        assert found, done.stderr
        assert line in (None, int(found[1])) and column in (None, int(found[2])), done.stderr
        assert words in found[3]

    def test_every_problem_is_told_and_no_secret(self, tmp_path):
        file = write(tmp_path / "bad.yaml", """sites:
  - name: Alpha Beta
    platform: openai
    base_url: nothing
    accounts:
      - name: main
        credential: { kind: wrong, api_key: sk-very-secret-value }
""")
        done = run("check-config", file)
        assert done.returncode == 1 and len(done.stderr.splitlines()) >= 2
        assert all(line.startswith(f"{file}:") for line in done.stderr.splitlines())
        assert "sk-very-secret-value" not in done.stdout + done.stderr

    def test_a_missing_file(self, tmp_path):
        done = run("check-config", tmp_path / "nothing.yaml")
        assert done.returncode == 1 and "nothing.yaml" in done.stderr


class TestPluginCommands:
    def test_list_shows_what_is_loaded_and_refused(self, tmp_path):
        tmp_path.chmod(0o755)
        (tmp_path / "libx.so").write_text("text")
        done = run("plugin", "list", "--plugins", f"{tmp_path}:{BINARY.parent}")
        assert done.returncode == 0, done.stderr
        states = {line.split("\t")[0]: line.split("\t")[3] for line in done.stdout.splitlines() if line[0] != "\t"}
        assert states.pop("?") == "refused" and "The file is not an ELF image." in done.stdout
        assert set(states) >= {"format-openai-chat", "format-anthropic-messages", "platform-openai",
                               "platform-anthropic", "platform-new-api", "platform-openai-c", "notify-webhook"}
        assert set(states.values()) == {"loaded"}

    def test_inspect_runs_nothing(self, tmp_path):
        plugin = compile_c(tmp_path, "libplatform-example-c.so")
        done = run("plugin", "inspect", plugin)
        assert done.returncode == 0, done.stderr
        told = dict(line.split("\t", 1) for line in done.stdout.splitlines())
        assert told["id"] == "platform-example-c" and told["kinds"] == "platform" and told["speaks"] == "openai.chat"
        assert told["entry"] == "patchbay_entry_v1__platform_example_c"

    def test_inspect_says_why_not(self, tmp_path):
        done = run("plugin", "inspect", write(tmp_path / "libx.so", "text"))
        assert done.returncode == 1 and "The file is not an ELF image." in done.stderr
        done = run("plugin", "inspect", tmp_path / "nothing.so")
        assert done.returncode == 1 and "nothing.so" in done.stderr

    def test_call_asks_the_site(self, openai_upstream):
        done = run("plugin", "call", "openai", "models", "--base-url", openai_upstream.url, "--allow", HERE,
                   PATCHBAY_SECRET_API_KEY="sk-upstream-1")
        assert done.returncode == 0, done.stderr
        assert {model["id"] for model in json.loads(done.stdout)["models"]} == set(openai_upstream.models)

    @pytest.mark.parametrize("arguments, environment, code", [
        (["openai", "models", "--allow", HERE], {"PATCHBAY_SECRET_API_KEY": "sk-wrong-key"}, None),
        (["openai", "models"], {"PATCHBAY_SECRET_API_KEY": "sk-wrong-key"}, None),
        (["openai", "nothing", "--allow", HERE], {}, None),
        (["no-such-plugin", "models"], {}, "not_found"),
    ], ids=["wrong key", "private network", "unknown operation", "unknown plugin"])
    def test_call_fails_with_a_sentence(self, openai_upstream, arguments, environment, code):
        done = run("plugin", "call", *arguments, "--base-url", openai_upstream.url, **environment)
        assert done.returncode == 1 and done.stdout == ""
        found = re.match(r"([a-z_]+): \S.*", done.stderr)
        assert found and code in (None, found[1]), done.stderr
        assert "sk-wrong-key" not in done.stderr

    def test_nothing_is_left_behind(self, tmp_path, openai_upstream):
        run("plugin", "list", TMPDIR=str(tmp_path))
        run("plugin", "call", "openai", "models", "--base-url", openai_upstream.url, "--allow", HERE,
            PATCHBAY_SECRET_API_KEY="sk-upstream-1", TMPDIR=str(tmp_path))
        assert list(tmp_path.iterdir()) == []


class Printed:
    """What `serve` says to whoever starts it."""

    def __init__(self, text):
        self.text = text
        self.gateway = re.search(r"gateway\s+(http://\S+)/v1", text)[1]
        self.admin = re.search(r"admin API\s+(http://\S+)/api/v1", text)[1]
        self.token = (re.search(r"admin token\s+(\S+)", text) or [None, None])[1]
        self.key = (re.search(r"client key\s+(\S+)", text) or [None, None])[1]
        self.curl = text[text.index("curl "):] if "curl " in text else ""


@contextmanager
def serve(directory, *arguments, **environment):
    """Starts the gateway and reads what it prints until it is ready."""
    log = open(directory / "serve.log", "ab")
    process = subprocess.Popen([str(BINARY), "serve", *arguments], env={**BASE, **environment}, cwd=directory,
                               stdout=subprocess.PIPE, stderr=log)
    try:
        text, deadline = "", time.monotonic() + 30
        while "admin API" not in text or not text.endswith("\n\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(process.stdout.fileno(), 65536).decode() if ready else ""
            if not piece:
                # What has no client key to show ends without an empty line of its own.
                break
            text += piece
            if re.search(r"admin API.*\n", text) and not select.select([process.stdout], [], [], 0.3)[0]:
                break
        assert "is ready." in text, (directory / "serve.log").read_text()
        yield Printed(text)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        log.close()


FREE = ("--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")


def chat(printed, key=None, model=None):
    with httpx.Client(timeout=30, headers={"authorization": f"Bearer {key or printed.key}"}) as client:
        model = model or client.get(f"{printed.gateway}/v1/models").json()["data"][0]["id"]
        return client.post(f"{printed.gateway}/v1/chat/completions", json={
            "model": model, "messages": [{"role": "user", "content": "say hi"}]})


class TestServe:
    def test_with_nothing_configured_the_first_request_works(self, tmp_path):
        with serve(tmp_path, "--data", "data", *FREE) as first:
            assert first.token and first.key and first.key in first.curl
            done = subprocess.run(["bash", "-c", first.curl.replace("curl ", "curl -sS -i --max-time 60 ", 1)],
                                  capture_output=True, text=True, timeout=90)
            assert done.returncode == 0, done.stderr
            assert " 200 OK" in done.stdout and "x-request-id: req_" in done.stdout and "data: [DONE]" in done.stdout
            answer = chat(first)
            assert answer.status_code == 200 and answer.json()["choices"][0]["message"]["content"]
            assert len(httpx.get(f"{first.gateway}/v1/models", headers={
                "authorization": f"Bearer {first.key}"}).json()["data"]) > 1
            admin = {"authorization": f"Bearer {first.token}"}
            sites = httpx.get(f"{first.admin}/api/v1/sites", headers=admin)
            assert sites.status_code == 200 and [site["name"] for site in sites.json()["data"]] == ["simulated"]
            row = wait_for_row(first, answer.headers["x-request-id"])
            assert row["status"] == 200 and row["key"] == "first" and row["cost_usd"] > 0
            assert httpx.get(f"{first.admin}/api/v1/sites").status_code == 401
        key = tmp_path / "data" / "sealing.key"
        assert key.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0
        sealed = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
        assert first.token.encode() not in sealed and first.key.encode() not in sealed
        log = (tmp_path / "serve.log").read_text()
        assert first.token not in log and first.key not in log
        before = key.read_bytes()
        with serve(tmp_path, "--data", "data", *FREE) as second:
            assert (second.token, second.key) == (first.token, first.key)
            assert chat(second).status_code == 200
            assert wait_for_row(second, answer.headers["x-request-id"])["id"] == answer.headers["x-request-id"]
        assert key.read_bytes() == before

    def test_every_option_has_its_variable(self, tmp_path, openai_upstream):
        port, admin_port = free_port(), free_port()
        file = write(tmp_path / "file.yaml", configuration(openai_site(openai_upstream.url), 1, 2))
        plugins = tmp_path / "plugins"
        plugins.mkdir(mode=0o755)
        compile_c(plugins, "libplatform-example-c.so")
        with serve(tmp_path, PATCHBAY_CONFIG=str(file), PATCHBAY_DATA=str(tmp_path / "elsewhere"),
                   PATCHBAY_LISTEN=f"127.0.0.1:{port}", PATCHBAY_ADMIN_LISTEN=f"127.0.0.1:{admin_port}",
                   PATCHBAY_PLUGINS=f"{plugins}:{BINARY.parent}") as printed:
            assert printed.gateway == f"http://127.0.0.1:{port}"
            assert printed.admin == f"http://127.0.0.1:{admin_port}"
            assert (printed.token, printed.key) == (None, None)
            assert chat(printed, KEY, "gpt-4o-mini").json()["choices"][0]["message"]["content"] == "hi"
            listed = httpx.get(f"{printed.admin}/api/v1/plugins", headers={"authorization": f"Bearer {ADMIN_TOKEN}"})
            assert "platform-example-c" in {plugin["id"] for plugin in listed.json()["data"]}
        assert (tmp_path / "elsewhere" / "sealing.key").exists()

    def test_the_command_line_is_stronger_than_the_environment(self, tmp_path):
        with serve(tmp_path, "--data", "given", *FREE, PATCHBAY_DATA=str(tmp_path / "ignored"),
                   PATCHBAY_LISTEN="127.0.0.1:1") as printed:
            assert httpx.get(f"{printed.gateway}/readyz").status_code == 200
        assert (tmp_path / "given").exists() and not (tmp_path / "ignored").exists()

    def test_the_sealing_key_can_come_from_outside(self, tmp_path):
        key = "A" * 43 + "="
        with serve(tmp_path, "--data", "data", *FREE, PATCHBAY_SEALING_KEY=key) as first:
            pass
        assert not (tmp_path / "data" / "sealing.key").exists()
        with serve(tmp_path, "--data", "data", *FREE, PATCHBAY_SEALING_KEY=key) as second:
            assert second.token == first.token

    @pytest.mark.parametrize("arguments, words", [
        (["--config", "nothing.yaml"], "nothing.yaml"),
        (["--config", "bad.yaml"], "bad.yaml:1:"),
        (["--listen", "nowhere"], "--listen"),
        (["--data", "/proc/nothing", *FREE], "/proc/nothing"),
    ])
    def test_a_start_that_cannot_be_says_why(self, tmp_path, arguments, words):
        write(tmp_path / "bad.yaml", "gatway: {}\n")
        done = subprocess.run([str(BINARY), "serve", "--data", "data", *arguments], env=BASE, cwd=tmp_path,
                              capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and words in done.stderr, done.stderr
        assert "Fatal" not in done.stderr

    def test_a_port_in_use_says_why(self, tmp_path):
        with serve(tmp_path, "--data", "one", *FREE) as first:
            address = first.gateway.removeprefix("http://")
            done = subprocess.run([str(BINARY), "serve", "--data", "two", "--listen", address,
                                   "--admin-listen", "127.0.0.1:0"], env=BASE, cwd=tmp_path, capture_output=True,
                                  text=True, timeout=30)
            assert done.returncode == 1 and address in done.stderr, done.stderr
            assert "Fatal" not in done.stderr


def wait_for_row(printed, request_id, seconds=5):
    deadline = time.monotonic() + seconds
    while True:
        answer = httpx.get(f"{printed.admin}/api/v1/requests/{request_id}",
                           headers={"authorization": f"Bearer {printed.token}"})
        if answer.status_code == 200:
            return answer.json()
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)
