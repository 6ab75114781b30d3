"""A Gemini upstream that checks every request as Google does: against the SDK's own types, extra members refused."""

import base64
import json
import re

from google.genai import types
from pydantic import TypeAdapter, ValidationError

from .behaviour import Turn
from .records import Records
from .server import Server

MODELS = ["gemini-3-flash", "gemini-2.5-pro"]
MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF", "application/pdf": b"%PDF"}
MEMBERS = {
    "contents": list[types.Content], "systemInstruction": types.Content, "tools": list[types.Tool],
    "toolConfig": types.ToolConfig, "safetySettings": list[types.SafetySetting],
    "generationConfig": types.GenerationConfig, "cachedContent": str, "serviceTier": str, "store": bool,
}
SKIPPED = "skip_thought_signature_validator"
# What `parametersJsonSchema` and `responseJsonSchema` take.
KEYWORDS = {
    "$id", "$defs", "definitions", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items",
    "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties",
    "additionalProperties", "required", "propertyOrdering"}


# Values that are the client's own documents, whose names are nobody else's business.
FREE = {"args", "response", "parametersJsonSchema", "responseJsonSchema", "parameters", "responseSchema", "labels"}


def camel(value):
    """The document under the names that the API writes; it reads `snake_case` too, and the SDK sends some."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {re.sub("_([a-z])", lambda found: found[1].upper(), name): inner for name, inner in value.items()}
    return {name: inner if name in FREE else camel(inner) for name, inner in renamed.items()}


def decoded(text):
    """Protobuf JSON takes both alphabets of base64, with or without padding."""
    text = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def validated(value, kind, path):
    """The first thing that is wrong with a value, or None."""
    try:
        TypeAdapter(kind).validate_python(value, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors()[0]
        return f"Invalid JSON payload received at {path}.{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None


def schema_problem(schema, path):
    if not isinstance(schema, dict):
        return None
    for name, value in schema.items():
        if name not in KEYWORDS:
            return f"Unknown name \"{name}\" at {path}"
        inner = []
        if name in ("properties", "$defs", "definitions"):
            inner = list(value.values())
        elif name in ("items", "additionalProperties"):
            inner = [value]
        elif name in ("anyOf", "oneOf", "prefixItems"):
            inner = value
        for item in inner:
            problem = schema_problem(item, f"{path}.{name}")
            if problem:
                return problem
    if schema.get("type") == "array" and "items" not in schema and "prefixItems" not in schema:
        return f"{path}.items: missing field."
    if set(schema.get("required", [])) - set(schema.get("properties", {})):
        return f"{path}.required: property is not defined"
    return None


class GeminiUpstream:
    def __init__(self, keys=("AIza-upstream-1",), models=MODELS, port=0, ids=False, array=False):
        self.keys = set(keys)
        self.models = list(models)
        self.ids = ids
        # A relay that does not know `alt=sse`.
        self.array = array
        self.records = Records()
        self.server = Server(self.handle, port)
        self.url = self.server.url

    def stop(self):
        self.server.stop()

    async def handle(self, request, answer):
        if "key=" in request.query or request.headers.get("authorization"):
            return await self.error(answer, 400, "INVALID_ARGUMENT", "a credential of the client came along")
        key = request.headers.get("x-goog-api-key")
        if key is None:
            return await self.error(answer, 403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
        if key not in self.keys:
            return await self.error(
                answer, 400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
                [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID",
                  "domain": "googleapis.com"}])
        if request.method == "GET" and request.path == "/v1beta/models":
            return await self.list(request, answer)
        found = re.fullmatch(r"/v1beta/models/([^/:]+):(\w+)", request.path)
        if request.method != "POST" or not found:
            return await self.error(answer, 404, "NOT_FOUND", f"Not found: {request.path}")
        model, method = found.groups()
        body = request.json()
        # Clients that write other names talk to the vendor like this; the gateway has no excuse for them.
        if any(name in request.headers.get("user-agent", "") for name in ("google-genai", "litellm")):
            body = camel(body)
        self.records.received(request, body)
        if model not in self.models:
            return await self.error(answer, 404, "NOT_FOUND", f"models/{model} is not found for API version v1beta")
        handlers = {"generateContent": self.generate, "streamGenerateContent": self.generate,
                    "countTokens": self.count, "embedContent": self.embed, "batchEmbedContents": self.embed}
        if method not in handlers:
            return await self.error(answer, 404, "NOT_FOUND", f"Unknown method {method}")
        await handlers[method](request, model, method, body, answer)

    @staticmethod
    async def error(answer, status, word, message, details=()):
        await answer.document(status, {"error": {
            "code": status, "message": message, "status": word, **({"details": list(details)} if details else {})}})

    async def list(self, request, answer):
        """Two models a page, whatever the client wants."""
        token = re.search(r"pageToken=(\d+)", request.query)
        start = int(token[1]) if token else 0
        page = [{"name": f"models/{name}", "displayName": name.title(), "inputTokenLimit": 1048576,
                 "outputTokenLimit": 65536, "supportedGenerationMethods": ["generateContent", "countTokens"]}
                for name in self.models[start:start + 2]]
        more = {"nextPageToken": str(start + 2)} if start + 2 < len(self.models) else {}
        await answer.document(200, {"models": page, **more})

    # What a request may not be.

    def problem(self, body):
        for name, value in body.items():
            if name not in MEMBERS:
                return f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            found = validated(value, MEMBERS[name], name)
            if found:
                return found
        if not body.get("contents"):
            return "contents is not specified"
        return self.contents_problem(body["contents"]) or self.tools_problem(body) or self.config_problem(body)

    def contents_problem(self, contents):
        if contents[0].get("role", "user") != "user":
            return "Please ensure that the first turn is from the user."
        if contents[-1].get("role", "user") == "model":
            return "Please ensure that the last turn is from the user."
        open_calls = []
        last_user = max(index for index, content in enumerate(contents) if content.get("role", "user") == "user"
                        and not any("functionResponse" in part for part in content["parts"]))
        for index, content in enumerate(contents):
            if content.get("role", "user") not in ("user", "model"):
                return "Please use a valid role: user, model."
            if not content["parts"]:
                return f"contents[{index}].parts must not be empty"
            answers = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
            if open_calls:
                if [answer["name"] for answer in answers] != open_calls or len(answers) != len(content["parts"]):
                    return ("Please ensure that the number of function response parts is equal to the number of "
                            "function call parts of the function call turn.")
            elif answers:
                return "Please ensure that function response turn comes immediately after a function call turn."
            for part in content["parts"]:
                problem = self.part_problem(part, index)
                if problem:
                    return problem
            calls = [part for part in content["parts"] if "functionCall" in part]
            open_calls = [part["functionCall"]["name"] for part in calls]
            if calls and index > last_user and "thoughtSignature" not in calls[0]:
                return f"Function call is missing a thought_signature in functionCall parts. Content {index}."
        return "function calls have no responses" if open_calls else None

    @staticmethod
    def part_problem(part, index):
        if len(set(part) - {"thought", "thoughtSignature", "videoMetadata"}) != 1:
            return f"contents[{index}].parts: exactly one data member has to be set"
        if "inlineData" in part:
            data = decoded(part["inlineData"]["data"])
            magic = MAGIC.get(part["inlineData"]["mimeType"])
            if magic and not data.startswith(magic):
                return "Unable to process input image."
        signature = part.get("thoughtSignature")
        if signature is not None and signature != SKIPPED:
            if not decoded(signature).startswith(b"sig-"):
                return "Thought signature is not valid."
        return None

    def tools_problem(self, body):
        names = []
        for tool in body.get("tools", []):
            for function in tool.get("functionDeclarations", []):
                names.append(function["name"])
                if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", function["name"]):
                    return f"Invalid function name {function['name']}."
                problem = schema_problem(function.get("parametersJsonSchema"), function["name"])
                if problem:
                    return problem
                for schema in (function.get("parameters"), function.get("parametersJsonSchema")):
                    if schema is not None and schema.get("type", "").lower() == "object" and not schema.get("properties"):
                        return f"{function['name']}.parameters.properties: should be non-empty for OBJECT type"
        if len(set(names)) != len(names):
            return "Duplicate function declaration found"
        calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
        if calling and not names:
            return "Function calling config is set without function_declarations."
        if calling.get("mode") not in (None, "AUTO", "ANY", "NONE", "VALIDATED"):
            return f"Invalid value at toolConfig.functionCallingConfig.mode: {calling['mode']}"
        if set(calling.get("allowedFunctionNames", [])) - set(names):
            return "allowed_function_names has a name that is not declared"
        if calling.get("allowedFunctionNames") and calling["mode"] not in ("ANY", "VALIDATED"):
            return "allowed_function_names should be set only when the mode is ANY."
        return None

    @staticmethod
    def config_problem(body):
        config = body.get("generationConfig", {})
        if len(config.get("stopSequences", [])) > 5:
            return "stop_sequences: at most 5"
        thinking = config.get("thinkingConfig", {})
        if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
            return "You can only set only one of thinking budget and thinking level."
        if thinking.get("thinkingBudget", 0) > 24576:
            return "The thinking budget is invalid. Please choose a value between 0 and 24576."
        if config.get("responseMimeType", "text/plain") == "text/plain" and (
                "responseSchema" in config or "responseJsonSchema" in config):
            return "response_mime_type must be application/json with a schema"
        return schema_problem(config.get("responseJsonSchema"), "responseJsonSchema")

    # Answers.

    def turn(self, body):
        images, prompt = [], ""
        for content in body["contents"]:
            if content.get("role", "user") != "user":
                continue
            for part in content["parts"]:
                if "text" in part:
                    prompt = part["text"]
                elif "inlineData" in part:
                    images.append(part["inlineData"]["mimeType"])
                elif "functionResponse" in part:
                    response = part["functionResponse"]["response"]
                    said = response.get("output", response.get("result", json.dumps(response)))
                    prompt = f"say the tool said {said}"
        return Turn(prompt, images)

    async def generate(self, request, model, method, body, answer):
        problem = self.problem(body)
        if problem:
            return await self.error(answer, 400, "INVALID_ARGUMENT", problem)
        is_stream = method == "streamGenerateContent"
        if is_stream and request.query != "alt=sse":
            return await self.error(answer, 400, "INVALID_ARGUMENT", "the test wants alt=sse and nothing else")
        number = self.records.number()
        turn = self.turn(body)
        if "forbidden words" in json.dumps(body["contents"][-1]):
            refusal = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
                       "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}, "modelVersion": model,
                       "responseId": f"resp-{number}"}
            if not is_stream:
                return await answer.document(200, refusal)
            await answer.begin_stream()
            await answer.chunk(f"data: {json.dumps(refusal)}\r\n\r\n")
            return await answer.end_stream()
        signature = base64.b64encode(f"sig-{number}".encode()).decode()
        thinking = body.get("generationConfig", {}).get("thinkingConfig", {})
        thoughts = len(turn.reasoning) // 4 + 1 if turn.reasoning else 0
        pieces = []
        if turn.reasoning and thinking.get("includeThoughts"):
            pieces += [{"text": piece, "thought": True} for piece in turn.pieces(turn.reasoning)]
        pieces += [{"text": piece} for piece in turn.pieces(turn.text)]
        for index, (name, arguments) in enumerate(turn.calls):
            call = {"name": name, "args": arguments}
            if self.ids:
                call["id"] = f"call-{number}-{index}"
            pieces.append({"functionCall": call, **({"thoughtSignature": signature} if index == 0 else {})})
        output = max(1, len(turn.text) // 4 + 8 * len(turn.calls))
        prompt = 12 + len(body["contents"])
        usage = {"promptTokenCount": prompt, "candidatesTokenCount": output, "cachedContentTokenCount": 3,
                 "totalTokenCount": prompt + output + thoughts,
                 "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}]}
        if thoughts:
            usage["thoughtsTokenCount"] = thoughts
        head = {"modelVersion": model, "responseId": f"resp-{number}"}
        self.records.finished(id=head["responseId"], input=prompt, output=output + thoughts, stream=is_stream)
        finish = "MAX_TOKENS" if turn.limited else "STOP"
        if is_stream:
            return await self.stream(answer, pieces, usage, head, finish)
        parts = []
        for piece in pieces:
            same = parts and "text" in piece and "text" in parts[-1] and piece.get("thought") == parts[-1].get("thought")
            if same:
                parts[-1]["text"] += piece["text"]
            else:
                parts.append(dict(piece))
        await answer.document(200, {"candidates": [
            {"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0}],
            "usageMetadata": usage, **head})

    async def stream(self, answer, pieces, usage, head, finish):
        frames = [{"candidates": [{"content": {"parts": [piece], "role": "model"}, "index": 0}],
                   "usageMetadata": {"promptTokenCount": usage["promptTokenCount"],
                                     "totalTokenCount": usage["promptTokenCount"]}, **head} for piece in pieces]
        frames.append({"candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": finish,
                                       "index": 0}], "usageMetadata": usage, **head})
        if self.array:
            return await answer.document(200, json.dumps(frames, indent=2).encode())
        await answer.begin_stream()
        for frame in frames:
            await answer.chunk(f"data: {json.dumps(frame, ensure_ascii=False)}\r\n\r\n")
        await answer.end_stream()

    async def count(self, request, model, method, body, answer):
        wrapped = body.get("generateContentRequest")
        if wrapped is not None and wrapped.get("model") != f"models/{model}":
            return await self.error(answer, 400, "INVALID_ARGUMENT", "the model in the request differs from the path")
        await answer.document(200, {"totalTokens": 31})

    async def embed(self, request, model, method, body, answer):
        requests = body["requests"] if method == "batchEmbedContents" else [body]
        if any(entry.get("model", f"models/{model}") != f"models/{model}" for entry in requests):
            return await self.error(answer, 400, "INVALID_ARGUMENT", "the model in the request differs from the path")
        vectors = [{"values": [0.5, float(len(entry["content"]["parts"][0]["text"]))]} for entry in requests]
        if method == "batchEmbedContents":
            return await answer.document(200, {"embeddings": vectors})
        await answer.document(200, {"embedding": vectors[0]})
