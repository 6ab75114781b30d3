"""Files that clients upload to the gateway: kept for the key that uploaded them, used with every upstream."""

import base64
import os
import time

import anthropic
import httpx
import openai
import pytest
from dialects import PNG, PNG_TEXT
from google.genai import types
from gateway import KEY, Running, anthropic_site, gemini_site, openai_site, responses_site

OTHER = "sk-client-2-abcdefgh"
SMALL = "sk-client-3-abcdefgh"
MODELS = {
    "openai upstream": "gpt-4o-mini", "anthropic upstream": "claude-haiku-5", "responses upstream": "gpt-5-mini",
    "gemini upstream": "gemini-3-flash"}
PDF = b"%PDF-1.7\n" + bytes(range(256))
PDF_TEXT = base64.b64encode(PDF).decode()
LIMIT = 2_000_000


class Files(Running):
    def configure(self, text):
        return text.replace("gateway: {", "gateway: { limits: { body: 3MB }, "
                            f"files: {{ size: {LIMIT}, key_size: 4MB, key_count: 30, keep: 2h }},")


@pytest.fixture(scope="module")
def upstreams(openai_upstream, anthropic_upstream, responses_upstream, gemini_upstream):
    return {"gpt-4o-mini": openai_upstream, "claude-haiku-5": anthropic_upstream, "gpt-5-mini": responses_upstream,
            "gemini-3-flash": gemini_upstream}


@pytest.fixture(scope="module")
def world(tmp_path_factory, upstreams):
    urls = [upstream.url for upstream in upstreams.values()]
    sites = openai_site(urls[0]) + anthropic_site(urls[1]) + responses_site(urls[2]) + gemini_site(urls[3])
    keys = "\n  ".join(f'- {{ name: {name}, key: {key}, models: ["*"] }}' for name, key in (
        ("dev", KEY), ("other", OTHER), ("small", SMALL)))
    running = Files(tmp_path_factory.mktemp("files"), sites, keys=keys)
    yield running
    running.stop()


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture
def image(world):
    client = world.openai()
    file = client.files.create(file=("look.png", PNG), purpose="vision")
    yield file
    client.files.delete(file.id)


@pytest.fixture
def document(world):
    client = world.anthropic().beta.files
    file = client.upload(file=("report.pdf", PDF, "application/pdf"))
    yield file
    client.delete(file.id)


def inputs(upstreams, model):
    """The body that the upstream of a model has got last."""
    return upstreams[model].records.last()[1]


class TestOpenAI:
    def test_a_file_lives(self, world):
        client, before = world.openai(), int(time.time())
        file = client.files.create(file=("späße.txt", b"hello\r\n--there"), purpose="user_data")
        assert (file.object, file.bytes, file.filename, file.purpose, file.status) == (
            "file", 14, "späße.txt", "user_data", "processed")
        assert before <= file.created_at <= time.time() and file.expires_at == file.created_at + 7200
        assert client.files.retrieve(file.id) == file
        answer = client.files.content(file.id)
        assert answer.read() == b"hello\r\n--there"
        assert answer.response.headers["content-type"] == "text/plain"
        assert "filename*=UTF-8''sp%C3%A4%C3%9Fe.txt" in answer.response.headers["content-disposition"]
        assert file.id in [entry.id for entry in client.files.list(purpose="user_data")]
        gone = client.files.delete(file.id)
        assert (gone.id, gone.object, gone.deleted) == (file.id, "file", True)
        for request in (client.files.retrieve, client.files.content, client.files.delete):
            with pytest.raises(openai.NotFoundError) as caught:
                request(file.id)
            assert file.id in caught.value.message

    def test_a_client_says_how_long(self, world):
        client = world.openai()
        file = client.files.create(
            file=("a.jsonl", b"{}"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600})
        assert file.expires_at == file.created_at + 3600
        client.files.delete(file.id)
        with pytest.raises(openai.BadRequestError) as caught:
            client.files.create(file=("a", b"x"), purpose="batch",
                                expires_after={"anchor": "created_at", "seconds": 60})
        assert caught.value.param == "expires_after[seconds]"

    def test_lists_come_in_pages(self, world):
        client = world.openai()
        ids = [client.files.create(file=(f"{number}.txt", b"x"), purpose="evals").id for number in range(5)]
        assert [file.id for file in client.files.list(purpose="evals", limit=2)] == ids[::-1]
        assert [file.id for file in client.files.list(purpose="evals", order="asc", limit=3)] == ids
        page = client.files.list(purpose="evals", limit=2)
        assert page.has_more and [file.id for file in page.data] == ids[:2:-1]
        page = client.files.list(purpose="evals", limit=2, after=ids[2])
        assert not page.has_more and [file.id for file in page.data] == [ids[1], ids[0]]
        for arguments in ({"limit": 0}, {"limit": 10_001}, {"order": "up"}, {"after": "file-1"}):
            with pytest.raises(openai.BadRequestError) as caught:
                client.files.list(**arguments)
            assert caught.value.param == next(iter(arguments))
        for identifier in ids:
            client.files.delete(identifier)


class TestAnthropic:
    def test_a_file_lives(self, world):
        client = world.anthropic().beta.files
        file = client.upload(file=("report.pdf", PDF, "application/pdf"))
        assert (file.type, file.filename, file.mime_type, file.size_bytes, file.downloadable) == (
            "file", "report.pdf", "application/pdf", len(PDF), True)
        assert client.retrieve_metadata(file.id) == file
        assert client.download(file.id).read() == PDF
        assert file.id in [entry.id for entry in client.list()]
        assert client.delete(file.id).type == "file_deleted"
        for request in (client.retrieve_metadata, client.download, client.delete):
            with pytest.raises(anthropic.NotFoundError) as caught:
                request(file.id)
            assert caught.value.body["error"]["type"] == "not_found_error" and file.id in str(caught.value)

    def test_lists_come_in_pages(self, world):
        client = world.anthropic(OTHER).beta.files
        ids = [client.upload(file=(f"{number}.txt", b"x")).id for number in range(5)]
        assert [file.id for file in client.list(limit=2)] == ids[::-1]
        headers = {"authorization": f"Bearer {OTHER}", "anthropic-version": "2023-06-01"}
        page = httpx.get(f"{world.url}/v1/files", headers=headers, params={"limit": 2, "after_id": ids[3]}).json()
        assert [file["id"] for file in page["data"]] == [ids[2], ids[1]] and page["has_more"]
        assert (page["first_id"], page["last_id"]) == (ids[2], ids[1])
        page = httpx.get(f"{world.url}/v1/files", headers=headers, params={"limit": 2, "before_id": ids[1]}).json()
        assert [file["id"] for file in page["data"]] == [ids[3], ids[2]] and page["has_more"]
        page = httpx.get(f"{world.url}/v1/files", headers=headers, params={"ids[]": [ids[0], "file-x"]}).json()
        assert [file["id"] for file in page["data"]] == [ids[0]] and page["next_page"] is None
        answer = httpx.get(f"{world.url}/v1/files", headers=headers, params={"after_id": "file-x"})
        assert answer.status_code == 400 and answer.json()["type"] == "error"
        for identifier in ids:
            client.delete(identifier)

    def test_both_dialects_see_the_same_files(self, world, image, document):
        assert world.anthropic().beta.files.retrieve_metadata(image.id).mime_type == "image/png"
        assert world.openai().files.retrieve(document.id).purpose == "user_data"


class TestOwnership:
    def test_to_another_key_a_file_does_not_exist(self, world, image):
        client, claude = world.openai(OTHER), world.anthropic(OTHER)
        assert image.id not in [file.id for file in client.files.list()]
        for request in (client.files.retrieve, client.files.content, client.files.delete):
            with pytest.raises(openai.NotFoundError):
                request(image.id)
        with pytest.raises(anthropic.NotFoundError):
            claude.beta.files.download(image.id)
        with pytest.raises(openai.BadRequestError):
            client.files.list(after=image.id)
        assert world.openai().files.content(image.id).read() == PNG

    def test_nor_in_a_request(self, world, model, image):
        before = len(world.request_rows())
        for request, error in (
                (lambda: world.openai(OTHER).chat.completions.create(model=model, messages=chat(image)),
                 openai.NotFoundError),
                (lambda: world.openai(OTHER).responses.create(model=model, input=response_input(image)),
                 openai.NotFoundError),
                (lambda: world.anthropic(OTHER).beta.messages.create(
                    model=model, max_tokens=100, messages=message(image.id)), anthropic.NotFoundError)):
            with pytest.raises(error) as caught:
                request()
            assert image.id in str(caught.value)
        answer = httpx.post(
            f"{world.url}/v1beta/models/{model}:generateContent", headers={"x-goog-api-key": OTHER},
            json={"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": image.id}}]}]})
        assert answer.status_code == 404 and answer.json()["error"]["status"] == "NOT_FOUND"
        assert len(world.request_rows()) == before

    def test_a_key_is_needed(self, world):
        for method, path in (("GET", "/v1/files"), ("POST", "/v1/files"), ("GET", "/v1/files/x/content")):
            assert httpx.request(method, world.url + path).status_code == 401


def chat(file):
    return [{"role": "user", "content": [
        {"type": "text", "text": "look"}, {"type": "file", "file": {"file_id": file.id}}]}]


def response_input(file):
    return [{"role": "user", "content": [
        {"type": "input_text", "text": "look"}, {"type": "input_image", "file_id": file.id, "detail": "auto"}]}]


def message(identifier, kind="image"):
    return [{"role": "user", "content": [
        {"type": kind, "source": {"type": "file", "file_id": identifier}}, {"type": "text", "text": "look"}]}]


class TestUse:
    """Every format of a client with every format of an upstream."""

    @pytest.mark.parametrize("stream", [False, True])
    def test_an_image_in_chat_completions(self, world, model, image, stream):
        answer = world.openai().chat.completions.create(model=model, messages=chat(image), stream=stream)
        if stream:
            text = "".join(part.choices[0].delta.content or "" for part in answer if part.choices)
        else:
            text = answer.choices[0].message.content
        assert text == "1 images: image/png"

    def test_an_image_in_responses(self, world, model, image):
        answer = world.openai().responses.create(model=model, input=response_input(image))
        assert answer.output_text == "1 images: image/png"
        again = world.openai().responses.create(model=model, input="look again", previous_response_id=answer.id)
        assert "images" in again.output_text
        items = list(world.openai().responses.input_items.list(answer.id))
        assert items[0].content[1].file_id == image.id

    def test_an_image_in_messages(self, world, model, image):
        answer = world.anthropic().beta.messages.create(model=model, max_tokens=100, messages=message(image.id))
        assert answer.content[0].text == "1 images: image/png"

    @pytest.mark.parametrize("prefix", ["", "https://generativelanguage.googleapis.com/v1beta/files/"])
    def test_an_image_in_gemini(self, world, model, image, prefix):
        part = types.Part.from_uri(file_uri=prefix + image.id, mime_type="image/png")
        answer = world.gemini().models.generate_content(model=model, contents=["look", part])
        assert answer.text == "1 images: image/png"

    def test_a_document_in_every_format(self, world, upstreams, document):
        world.openai().chat.completions.create(model="gpt-4o-mini", messages=chat(document))
        assert inputs(upstreams, "gpt-4o-mini")["messages"][0]["content"][1] == {"type": "file", "file": {
            "filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF_TEXT}"}}
        world.openai().responses.create(model="gpt-5-mini", input=[{"role": "user", "content": [
            {"type": "input_text", "text": "say hi"}, {"type": "input_file", "file_id": document.id}]}])
        assert inputs(upstreams, "gpt-5-mini")["input"][0]["content"][1] == {
            "type": "input_file", "file_data": f"data:application/pdf;base64,{PDF_TEXT}", "filename": "report.pdf"}
        world.anthropic().beta.messages.create(
            model="claude-haiku-5", max_tokens=10, messages=message(document.id, "document"))
        assert inputs(upstreams, "claude-haiku-5")["messages"][0]["content"][0] == {"type": "document", "source": {
            "type": "base64", "media_type": "application/pdf", "data": PDF_TEXT}}

    def test_the_same_document_everywhere(self, world, model, document):
        world.openai().chat.completions.create(model=model, messages=chat(document))
        world.openai().responses.create(model=model, input=[{"role": "user", "content": [
            {"type": "input_text", "text": "say hi"}, {"type": "input_file", "file_id": document.id}]}])
        world.anthropic().beta.messages.create(
            model=model, max_tokens=10, messages=message(document.id, "document"))

    def test_tokens_are_counted_with_it(self, world, image):
        bare = world.anthropic().beta.messages.count_tokens(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "look"}])
        count = world.anthropic().beta.messages.count_tokens(model="gpt-4o-mini", messages=message(image.id))
        assert count.input_tokens > bare.input_tokens + 500

    def test_only_what_names_a_file_changes(self, world, upstreams, image):
        body = (f'{{ "model":"gpt-4o-mini" ,"temperature": 1.0e0, "messages" : [{{"role":"user","content":['
                f'{{"type":"text","text":"say {image.id}"}},{{"file":{{"file_id":"{image.id}"}}, "type":"file"}}]}}] }}')
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        answer = httpx.post(world.url + "/v1/chat/completions", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        expected = body.replace(
            f'{{"file":{{"file_id":"{image.id}"}}, "type":"file"}}',
            f'{{"image_url":{{"url":"data:image/png;base64,{PNG_TEXT}"}}, "type":"image_url"}}')
        assert upstreams["gpt-4o-mini"].records.last()[0].body == expected.encode()

    def test_what_a_place_does_not_take_is_refused(self, world, document):
        with pytest.raises(anthropic.BadRequestError) as caught:
            world.anthropic().beta.messages.create(
                model="claude-haiku-5", max_tokens=10, messages=message(document.id))
        assert document.id in str(caught.value) and "application/pdf" in str(caught.value)


class TestBounds:
    def test_a_file_has_a_size(self, world):
        with pytest.raises(openai.APIStatusError) as caught:
            world.openai(SMALL).files.create(file=("big", bytes(LIMIT + 1)), purpose="user_data")
        assert caught.value.status_code == 413 and str(LIMIT) in caught.value.message

    def test_a_key_has_a_size(self, world):
        client = world.openai(SMALL)
        ids = [client.files.create(file=("big", bytes(LIMIT)), purpose="user_data").id for _ in range(2)]
        with pytest.raises(openai.PermissionDeniedError) as caught:
            client.files.create(file=("x", b"x"), purpose="user_data")
        assert caught.value.code == "file_limit_reached"
        with pytest.raises(anthropic.PermissionDeniedError):
            world.anthropic(SMALL).beta.files.upload(file=("x", b"x"))
        for identifier in ids:
            client.files.delete(identifier)

    def test_a_key_has_a_number(self, world):
        client = world.openai(SMALL)
        ids = [client.files.create(file=("x", b"x"), purpose="user_data").id for _ in range(30)]
        with pytest.raises(openai.PermissionDeniedError) as caught:
            client.files.create(file=("x", b"x"), purpose="user_data")
        assert "30 files" in caught.value.message
        for identifier in ids:
            client.files.delete(identifier)

    def test_a_request_grows_to_its_limit(self, world):
        client = world.openai(SMALL)
        file = client.files.create(file=("big.png", PNG + bytes(LIMIT - 100)), purpose="vision")
        part = {"type": "file", "file": {"file_id": file.id}}
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": [part]}])
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": [part, part]}])
        assert caught.value.status_code == 413 and "with the files" in caught.value.message
        client.files.delete(file.id)

    @pytest.mark.parametrize("content, type, parameter", [
        (b"{}", "application/json", None), (b"--x--\r\n", "multipart/form-data; boundary=x", "file"),
        (b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc\r\n--x--\r\n",
         "multipart/form-data; boundary=x", "purpose"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", None), (b"", "multipart/form-data", None)])
    def test_what_is_no_upload_says_why(self, world, content, type, parameter):
        headers = {"authorization": f"Bearer {KEY}", "content-type": type}
        answer = httpx.post(f"{world.url}/v1/files", content=content, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == parameter

    @pytest.mark.parametrize("method, path, status", [
        ("PUT", "/v1/files", 405), ("POST", "/v1/files/x", 405), ("DELETE", "/v1/files/x/content", 405),
        ("GET", "/v1/files/", 404), ("GET", "/files/file-1", 404), ("GET", "/v1/files/../files/x", 404),
        ("GET", "/v1/files/%2e%2e%2fx/content", 404), ("HEAD", "/v1/files", 200)])
    def test_what_is_not_there(self, world, method, path, status):
        answer = httpx.request(method, world.url + path, headers={"authorization": f"Bearer {KEY}"})
        assert answer.status_code == status


class TestContent:
    def test_large_contents_come_whole_to_slow_clients(self, world):
        data = os.urandom(LIMIT)
        client = world.openai()
        file = client.files.create(file=("big.bin", data), purpose="user_data")
        assert client.files.content(file.id).read() == data
        headers = {"authorization": f"Bearer {KEY}"}
        got = b""
        with httpx.stream("GET", f"{world.url}/v1/files/{file.id}/content", headers=headers) as answer:
            assert answer.headers["content-length"] == str(LIMIT)
            for piece in answer.iter_bytes(65_536):
                got += piece
                time.sleep(0.005)
        assert got == data
        answer = httpx.head(f"{world.url}/v1/files/{file.id}/content", headers=headers)
        assert answer.headers["content-length"] == str(LIMIT) and answer.content == b""
        # A client that leaves in the middle takes nothing with it.
        with httpx.stream("GET", f"{world.url}/v1/files/{file.id}/content", headers=headers) as answer:
            next(answer.iter_bytes(1024))
        assert client.files.retrieve(file.id).bytes == LIMIT
        client.files.delete(file.id)


def test_files_outlive_the_gateway(tmp_path, openai_upstream):
    running = Running(tmp_path, openai_site(openai_upstream.url))
    try:
        file = running.openai().files.create(file=("a.png", PNG), purpose="vision")
        running.gateway.kill()
        running.gateway.start().wait_ready(running.port)
        assert running.openai().files.content(file.id).read() == PNG
        answer = running.openai().chat.completions.create(model="gpt-4o-mini", messages=chat(file))
        assert answer.choices[0].message.content == "1 images: image/png"
    finally:
        running.stop()


def test_a_gateway_need_not_keep_files(tmp_path, openai_upstream):
    class Without(Running):
        def configure(self, text):
            return text.replace("gateway: {", "gateway: { files: { store: false },")

    running = Without(tmp_path, openai_site(openai_upstream.url))
    try:
        with pytest.raises(openai.APIStatusError) as caught:
            running.openai().files.create(file=("a.png", PNG), purpose="vision")
        assert (caught.value.status_code, caught.value.code) == (501, "not_implemented")
    finally:
        running.stop()
