"""Plugins from outside of the tree, dropped into the directory of a running gateway; and files that are none."""

import shutil
import time

import httpx
import pytest
from gateway import BINARY, KEY, Running
from outside import build_swift, compile_c

USER = [{"role": "user", "content": "say hi"}]
LIMIT = 2.0


def site(platform, url):
    return f"""  - name: outside
    platform: {platform}
    base_url: {url}
    accounts:
      - name: main
        credential: {{ kind: api_key, api_key: sk-upstream-1 }}
        models: [gpt-4o-mini]
"""


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "plugins"
    made.mkdir(mode=0o755)
    return made


def start(tmp_path, directory, platform, url):
    running = Running(tmp_path / "gateway", site(platform, url),
                      arguments=["--plugins", f"{directory}:{BINARY.parent}"])
    running.gateway.wait_ready(running.admin_port)
    return running


def ask(client, running):
    return client.post(f"{running.url}/v1/chat/completions", headers={"authorization": f"Bearer {KEY}"},
                       json={"model": "gpt-4o-mini", "messages": USER})


def plugins(running):
    return running.admin.get("/plugins", params={"limit": 500}).json()["data"]


def drop_and_serve(running, product, directory):
    """Copies the plugin and asks until somebody answers; returns the seconds from the start of the copy."""
    with httpx.Client(timeout=5) as client:
        refused = ask(client, running)
        assert refused.status_code in (404, 503), refused.text
        assert "error" in refused.json()
        begun = time.monotonic()
        shutil.copyfile(product, directory / product.name)
        while True:
            answer = ask(client, running)
            seconds = time.monotonic() - begun
            if answer.status_code == 200:
                break
            assert seconds < 10, f"{answer.text}\n{running.gateway.log.read_text()[-3000:]}"
            time.sleep(0.02)
    assert answer.json()["choices"][0]["message"]["content"] == "hi"
    row = running.row(answer.headers["x-request-id"])
    assert (row["site"], row["status"], row["upstream_format"]) == ("outside", 200, "openai.chat")
    return seconds


def test_a_c_plugin_serves_within_two_seconds(tmp_path, directory, openai_upstream):
    product = compile_c(tmp_path / "built", "libplatform-example-c.so")
    running = start(tmp_path, directory, "platform-example-c", openai_upstream.url)
    try:
        assert drop_and_serve(running, product, directory) < LIMIT
        found = running.admin.get("/plugins/platform-example-c").json()
        assert (found["state"], found["sentence"], found["file"]) == ("loaded", "", str(directory / product.name))
        assert found["toolchain"].startswith("C ") and found["abi"].startswith("1.")
        streamed = running.openai().chat.completions.create(model="gpt-4o-mini", messages=USER, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices) == "hi"
    finally:
        running.stop()


def test_a_plugin_that_is_moved_into_place_is_served(tmp_path, directory, openai_upstream):
    product = compile_c(tmp_path / "built", "libplatform-example-c.so")
    running = start(tmp_path, directory, "example-c", openai_upstream.url)
    try:
        with httpx.Client(timeout=5) as client:
            begun = time.monotonic()
            product.rename(directory / product.name)
            while ask(client, running).status_code != 200:
                assert time.monotonic() - begun < LIMIT
                time.sleep(0.02)
    finally:
        running.stop()


@pytest.mark.slow
def test_a_swift_plugin_serves_within_two_seconds(tmp_path, directory, openai_upstream):
    product = build_swift()
    running = start(tmp_path, directory, "platform-example", openai_upstream.url)
    try:
        assert drop_and_serve(running, product, directory) < LIMIT
        found = running.admin.get("/plugins/platform-example").json()
        assert (found["state"], found["version"]) == ("loaded", "0.1.0")
        assert found["toolchain"].startswith("Swift ")
        assert found["operations"] == ["models"]
    finally:
        running.stop()


class TestRefusals:
    """One gateway, one directory full of files that are no plugins."""

    SENTENCES = {
        "libtext.so": "The file is not an ELF image.",
        "libfuture.so": "The image is built for major version 2 of the plugin ABI; this host has 1.1.",
        "libplain.so": "The image exports no function whose name begins with patchbay_entry_v1.",
        "libbare.so": "The image has no section .patchbay.manifest.",
        "libbroken.so": "The manifest's member kinds has the unknown value \"shop\"; known are platform, format, notifier.",
        "libhalf.so": "The file is cut off: a segment reaches beyond its end.",
        "libopen.so": "Everybody may write to the file; remove the permission with chmod o-w.",
    }
    SOURCES = {
        "libfuture.so": "const void *patchbay_entry_v2__future(const void *host);\n"
                        "const void *patchbay_entry_v2__future(const void *host) { return host; }\n",
        "libplain.so": "int answer(void);\nint answer(void) { return 42; }\n",
        "libbare.so": "const void *patchbay_entry_v1__bare(const void *host);\n"
                      "const void *patchbay_entry_v1__bare(const void *host) { return host; }\n",
    }

    @classmethod
    def manifest(cls, text):
        quoted = text.replace('"', '\\"')
        return (f'__attribute__((section(".patchbay.manifest"), used)) static const char manifest[] = "{quoted}";\n'
                + cls.SOURCES["libbare.so"])

    def fill(self, directory, scratch):
        sources = {
            **self.SOURCES,
            "libbroken.so": self.manifest('{"id":"broken","version":"1","kinds":["shop"]}'),
        }
        for name, text in sources.items():
            source = scratch / f"{name}.c"
            source.write_text("#pragma GCC visibility push(default)\n" + text)
            compile_c(directory, name, source)
        (directory / "libtext.so").write_text("This is not a library.\n")
        whole = compile_c(scratch / "whole", "libplatform-example-c.so")
        (directory / "libhalf.so").write_bytes(whole.read_bytes()[:3000])
        shutil.copyfile(whole, directory / "libopen.so")
        (directory / "libopen.so").chmod(0o666)

    @pytest.mark.parametrize("when", ["before the start", "while it runs"])
    def test_each_has_its_sentence_and_requests_go_on(self, tmp_path, directory, openai_upstream, when):
        if when == "before the start":
            self.fill(directory, tmp_path)
        running = start(tmp_path, directory, "openai", openai_upstream.url)
        try:
            if when == "while it runs":
                self.fill(directory, tmp_path)
            deadline, found = time.monotonic() + 5, {}
            while found != self.SENTENCES and time.monotonic() < deadline:
                found = self.refused(running, directory)
                time.sleep(0.05)
            assert found == self.SENTENCES
            assert running.openai().chat.completions.create(
                model="gpt-4o-mini", messages=USER).choices[0].message.content == "hi"
            assert running.admin.get("/plugins/platform-openai").json()["state"] == "loaded"
        finally:
            running.stop()

    @staticmethod
    def refused(running, directory):
        return {entry["file"].removeprefix(f"{directory}/"): entry["sentence"] for entry in plugins(running)
                if entry["file"].startswith(str(directory)) and entry["state"] == "refused"}

    def test_an_id_belongs_to_the_first_file(self, tmp_path, directory, openai_upstream):
        first = compile_c(directory, "libfirst.so")
        second = compile_c(directory, "libsecond.so", opt="-O2")
        running = start(tmp_path, directory, "platform-example-c", openai_upstream.url)
        try:
            assert self.refused(running, directory) == {
                "libsecond.so": f"The id platform-example-c belongs to the plugin in {first}; the one in {second} is "
                                "not used."}
            assert ask(httpx, running).status_code == 200
        finally:
            running.stop()

    def test_a_file_that_is_repaired_is_loaded(self, tmp_path, directory, openai_upstream):
        product = compile_c(tmp_path / "built", "libplatform-example-c.so")
        (directory / product.name).write_text("not yet")
        running = start(tmp_path, directory, "platform-example-c", openai_upstream.url)
        try:
            assert [entry["state"] for entry in plugins(running) if str(directory) in entry["file"]] == ["refused"]
            assert drop_and_serve(running, product, directory) < LIMIT
        finally:
            running.stop()
