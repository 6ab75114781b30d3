"""The official clients of the four formats behind one interface, each with its strictest streaming helper.

A history is a list of the client's own turns: `user` begins one, `follow` appends an answer and the results of its calls.
"""

import base64
import json
from dataclasses import dataclass, field

import anthropic
import httpx
import openai
from google.genai import errors, types

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
PNG_TEXT = base64.b64encode(PNG).decode()
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": []}


@dataclass
class Call:
    id: str
    name: str
    arguments: dict


@dataclass
class Answer:
    """What an answer says, in the same words for every format. `finish` is one of `stop`, `tools` and `length`."""

    text: str
    finish: str
    models: set
    usage: dict
    reasoning: str = ""
    calls: list = field(default_factory=list)
    native: object = None


class ChatClient:
    name = "openai.chat"
    failures = (openai.APIError,)
    refusal = openai.APIStatusError
    finishes = {"stop": "stop", "tool_calls": "tools", "length": "length"}

    def __init__(self, running):
        self.client = running.openai()

    @staticmethod
    def status(error):
        return error.status_code

    def user(self, text, image=None):
        if image is None:
            return [{"role": "user", "content": text}]
        return [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}},
            {"type": "text", "text": text}]}]

    def arguments(self, model, history, tools=(), forced=None, reasoning=False, system=None, schema=None):
        head = [{"role": "system", "content": system}] if system else []
        found = {"model": model, "messages": [*head, *history], "max_completion_tokens": 3000}
        if tools:
            found["tools"] = [{"type": "function", "function": {
                "name": name, "description": f"Does {name}.", "parameters": SCHEMA}} for name in tools]
        if forced:
            found["tool_choice"] = {"type": "function", "function": {"name": forced}}
        if reasoning:
            found["reasoning_effort"] = "medium"
        if schema:
            found["response_format"] = {"type": "json_schema", "json_schema": {
                "name": "thing", "schema": schema, "strict": True}}
        return found

    def ask(self, stream, model, history, **options):
        arguments = self.arguments(model, history, **options)
        if not stream:
            completion = self.client.chat.completions.create(**arguments)
            models = {completion.model}
        else:
            with self.client.chat.completions.stream(stream_options={"include_usage": True}, **arguments) as events:
                models = {event.chunk.model for event in events if event.type == "chunk"}
                try:
                    completion = events.get_final_completion()
                except openai.LengthFinishReasonError as cut:
                    completion = cut.completion
        choice, usage = completion.choices[0], completion.usage
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
        return Answer(
            choice.message.content or "", self.finishes[choice.finish_reason], models,
            {"input": usage.prompt_tokens, "output": usage.completion_tokens,
             "cached": usage.prompt_tokens_details.cached_tokens},
            getattr(choice.message, "reasoning_content", None) or "",
            [Call(call.id, call.function.name, json.loads(call.function.arguments))
             for call in choice.message.tool_calls or []], choice.message)

    def follow(self, history, answer, results=()):
        message = answer.native.model_dump(exclude_none=True, exclude={"parsed"})
        for call in message.get("tool_calls", []):
            call.pop("index", None)
            call["function"].pop("parsed_arguments", None)
        return [*history, message, *(
            {"role": "tool", "tool_call_id": call.id, "content": text} for call, text in zip(answer.calls, results))]

    def pieces(self, model, text="hello"):
        """The texts of a stream as they come; raises if it is not complete."""
        for part in self.client.chat.completions.create(model=model, messages=self.user(text), stream=True):
            yield from (choice.delta.content for choice in part.choices if choice.delta.content)

    def whole(self, model, text="hello"):
        completion = self.client.chat.completions.create(model=model, messages=self.user(text))
        return completion.choices[0].message.content


class ResponsesClient:
    name = "openai.responses"
    failures = (openai.APIError, RuntimeError)
    refusal = openai.APIStatusError

    def __init__(self, running):
        self.client = running.openai()

    status = staticmethod(ChatClient.status)

    def user(self, text, image=None):
        if image is None:
            return [{"role": "user", "content": text}]
        return [{"role": "user", "content": [
            {"type": "input_image", "image_url": f"data:image/png;base64,{image}", "detail": "auto"},
            {"type": "input_text", "text": text}]}]

    def arguments(self, model, history, tools=(), forced=None, reasoning=False, system=None, schema=None):
        found = {"model": model, "input": history, "max_output_tokens": 3000}
        if system:
            found["instructions"] = system
        if tools:
            found["tools"] = [{"type": "function", "name": name, "description": f"Does {name}.", "strict": False,
                               "parameters": SCHEMA} for name in tools]
        if forced:
            found["tool_choice"] = {"type": "function", "name": forced}
        if reasoning:
            found["reasoning"] = {"effort": "medium", "summary": "auto"}
            found |= {"store": False, "include": ["reasoning.encrypted_content"]}
        if schema:
            found["text"] = {"format": {"type": "json_schema", "name": "thing", "strict": True, "schema": schema}}
        return found

    def ask(self, stream, model, history, **options):
        arguments = self.arguments(model, history, **options)
        response = self.stream(arguments) if stream else self.client.responses.create(**arguments)
        assert response.status in ("completed", "incomplete") and response.error is None
        assert response.id.startswith("resp_") and len({item.id for item in response.output}) == len(response.output)
        calls = [Call(item.call_id, item.name, json.loads(item.arguments))
                 for item in response.output if item.type == "function_call"]
        finish = "tools" if calls else "stop"
        if response.status == "incomplete":
            assert response.incomplete_details.reason == "max_output_tokens"
            finish = "length"
        usage = response.usage
        assert usage.total_tokens == usage.input_tokens + usage.output_tokens
        reasoning = "".join(
            part.text for item in response.output if item.type == "reasoning" for part in item.summary)
        return Answer(
            response.output_text, finish, {response.model},
            {"input": usage.input_tokens, "output": usage.output_tokens,
             "cached": usage.input_tokens_details.cached_tokens}, reasoning, calls, response)

    def stream(self, arguments):
        """The helper's own final document, or what the last event holds when it says `incomplete`."""
        with self.client.responses.stream(**arguments) as events:
            seen = list(events)
            numbers = [event.sequence_number for event in seen if hasattr(event, "sequence_number")]
            assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)
            if seen[-1].type == "response.incomplete":
                return seen[-1].response
            return events.get_final_response()

    def follow(self, history, answer, results=()):
        items = [item.model_dump(exclude_none=True) for item in answer.native.output]
        for item in items:
            item.pop("parsed_arguments", None)
            for part in item["content"] if isinstance(item.get("content"), list) else []:
                part.pop("parsed", None)
        return [*history, *items, *(
            {"type": "function_call_output", "call_id": call.id, "output": text}
            for call, text in zip(answer.calls, results))]

    def pieces(self, model, text="hello"):
        with self.client.responses.stream(model=model, input=text) as events:
            for event in events:
                if event.type == "response.output_text.delta":
                    yield event.delta
            events.get_final_response()

    def whole(self, model, text="hello"):
        return self.client.responses.create(model=model, input=text).output_text


class MessagesClient:
    name = "anthropic.messages"
    failures = (anthropic.APIError,)
    refusal = anthropic.APIStatusError
    finishes = {"end_turn": "stop", "tool_use": "tools", "max_tokens": "length"}

    def __init__(self, running):
        self.client = running.anthropic()

    status = staticmethod(ChatClient.status)

    def user(self, text, image=None):
        if image is None:
            return [{"role": "user", "content": text}]
        return [{"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": image}},
            {"type": "text", "text": text}]}]

    def arguments(self, model, history, tools=(), forced=None, reasoning=False, system=None, schema=None):
        found = {"model": model, "messages": history, "max_tokens": 3000}
        if system:
            found["system"] = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
        if tools:
            found["tools"] = [{"name": name, "description": f"Does {name}.", "input_schema": SCHEMA} for name in tools]
        if forced:
            found["tool_choice"] = {"type": "tool", "name": forced}
        if reasoning:
            found["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        if schema:
            found["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        return found

    def ask(self, stream, model, history, **options):
        arguments = self.arguments(model, history, **options)
        if not stream:
            message = self.client.messages.create(**arguments)
        else:
            with self.client.messages.stream(**arguments) as events:
                message = events.get_final_message()
        usage = message.usage
        cached = usage.cache_read_input_tokens or 0
        return Answer(
            "".join(block.text for block in message.content if block.type == "text"),
            self.finishes[message.stop_reason], {message.model},
            {"input": usage.input_tokens + cached, "output": usage.output_tokens, "cached": cached},
            "".join(block.thinking for block in message.content if block.type == "thinking"),
            [Call(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"], message)

    def follow(self, history, answer, results=()):
        blocks = [block.model_dump(exclude_none=True) for block in answer.native.content]
        for block in blocks:
            block.pop("parsed_output", None)
        turns = [*history, {"role": "assistant", "content": blocks}]
        if results:
            turns.append({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": call.id, "content": text}
                for call, text in zip(answer.calls, results)]})
        return turns

    def pieces(self, model, text="hello"):
        with self.client.messages.stream(model=model, messages=self.user(text), max_tokens=100) as events:
            yield from events.text_stream

    def whole(self, model, text="hello"):
        return self.client.messages.create(model=model, messages=self.user(text), max_tokens=100).content[0].text


class GeminiClient:
    name = "gemini.generate"
    # A cut connection comes out of the HTTP library, a frame that is no JSON as the SDK's own error.
    failures = (errors.APIError, errors.UnknownApiResponseError, httpx.HTTPError)
    refusal = errors.APIError
    finishes = {"STOP": "stop", "MAX_TOKENS": "length"}

    def __init__(self, running):
        self.models = running.gemini().models

    @staticmethod
    def status(error):
        return error.code

    def user(self, text, image=None):
        parts = [types.Part(text=text)]
        if image is not None:
            parts.insert(0, types.Part.from_bytes(data=base64.b64decode(image), mime_type="image/png"))
        return [types.Content(role="user", parts=parts)]

    def config(self, tools=(), forced=None, reasoning=False, system=None, schema=None):
        found = {"max_output_tokens": 3000, "automatic_function_calling": {"disable": True}}
        if system:
            found["system_instruction"] = system
        if tools:
            found["tools"] = [types.Tool(function_declarations=[types.FunctionDeclaration(
                name=name, description=f"Does {name}.", parameters_json_schema=SCHEMA) for name in tools])]
        if forced:
            found["tool_config"] = {"function_calling_config": {"mode": "ANY", "allowed_function_names": [forced]}}
        if reasoning:
            found["thinking_config"] = {"include_thoughts": True, "thinking_budget": 2048}
        if schema:
            found |= {"response_mime_type": "application/json", "response_json_schema": schema}
        return found

    def ask(self, stream, model, history, **options):
        arguments = {"model": model, "contents": history, "config": self.config(**options)}
        if stream:
            chunks = list(self.models.generate_content_stream(**arguments))
        else:
            chunks = [self.models.generate_content(**arguments)]
        parts = [part for chunk in chunks for candidate in chunk.candidates or []
                 for part in (candidate.content and candidate.content.parts) or []]
        reasons = [candidate.finish_reason for chunk in chunks for candidate in chunk.candidates or []
                   if candidate.finish_reason]
        calls = [Call(part.function_call.id, part.function_call.name, part.function_call.args or {})
                 for part in parts if part.function_call]
        finish = self.finishes[reasons[-1].name]
        usage = next(chunk.usage_metadata for chunk in reversed(chunks) if chunk.usage_metadata)
        thoughts = usage.thoughts_token_count or 0
        assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count + thoughts
        return Answer(
            "".join(part.text or "" for part in parts if not part.thought),
            "tools" if calls and finish == "stop" else finish, {chunk.model_version for chunk in chunks},
            {"input": usage.prompt_token_count, "output": usage.candidates_token_count + thoughts,
             "cached": usage.cached_content_token_count},
            "".join(part.text or "" for part in parts if part.thought), calls, parts)

    def follow(self, history, answer, results=()):
        turns = [*history, types.Content(role="model", parts=answer.native)]
        if results:
            turns.append(types.Content(role="user", parts=[
                types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": text}))
                for call, text in zip(answer.calls, results)]))
        return turns

    def pieces(self, model, text="hello"):
        for chunk in self.models.generate_content_stream(model=model, contents=text):
            yield from (part.text for candidate in chunk.candidates or []
                        for part in (candidate.content and candidate.content.parts) or [] if part.text)

    def whole(self, model, text="hello"):
        return self.models.generate_content(model=model, contents=text).text


CLIENTS = {kind.name: kind for kind in (ChatClient, ResponsesClient, MessagesClient, GeminiClient)}
#: A model of the shared gateway for every format of an upstream, and the name under which its fake is a fixture.
MODELS = {"openai.chat": "gpt-4o-mini", "openai.responses": "gpt-5-mini", "anthropic.messages": "claude-haiku-5",
          "gemini.generate": "gemini-3-flash"}
ALIASES = {"openai.chat": "gpt-4o", "openai.responses": "gpt-5", "anthropic.messages": "claude-sonnet",
           "gemini.generate": "gemini-pro"}
UPSTREAMS = {"openai.chat": "openai_upstream", "openai.responses": "responses_upstream",
             "anthropic.messages": "anthropic_upstream", "gemini.generate": "gemini_upstream"}
