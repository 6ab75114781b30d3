"""A gateway in which every fault has a primary, a fallback and a last resort of its own, in either wire format."""

import itertools
import time
from dataclasses import dataclass

import anthropic
import openai
from fakes.errors import ChatErrors, MessagesErrors
from fakes.frames import Chat, Messages, chunk, document, stream
from fakes.scripted import NEXT, ScriptedUpstream
from scripted_world import PLATFORMS, Tuned, site

FORMATS = {"chat": Chat, "messages": Messages}
ERRORS = {"chat": ChatErrors, "messages": MessagesErrors}
ROLES = ("primary", "fallback", "last")
#: Sites that take part in one fault and in no other, so that no test suffers from the cool-down of another.
PLACES = 140


@dataclass
class Answer:
    """What a caller got, whatever SDK it used."""

    text: str
    model: str
    finish: str
    tokens: tuple
    refused: bool = False


class OpenAICaller:
    dialect, error = "openai", openai.APIError

    def __init__(self, running):
        self.client = running.openai()

    def stream(self, model, messages, seen):
        answer = Answer("", "", None, None)
        for part in self.client.chat.completions.create(
                model=model, messages=messages, stream=True, stream_options={"include_usage": True}):
            answer.model = part.model
            if part.usage:
                answer.tokens = (part.usage.prompt_tokens, part.usage.completion_tokens)
            for choice in part.choices:
                if choice.delta.content:
                    answer.text += choice.delta.content
                    seen.append(choice.delta.content)
                answer.finish = choice.finish_reason or answer.finish
                answer.refused = answer.refused or bool(choice.delta.refusal)
        return answer

    def whole(self, model, messages, seen):
        whole = self.client.chat.completions.create(model=model, messages=messages)
        choice = whole.choices[0]
        return Answer(choice.message.content or "", whole.model, choice.finish_reason,
                      (whole.usage.prompt_tokens, whole.usage.completion_tokens), bool(choice.message.refusal))


class AnthropicCaller:
    dialect, error = "anthropic", anthropic.APIError

    def __init__(self, running):
        self.client = running.anthropic()

    def stream(self, model, messages, seen):
        with self.client.messages.stream(model=model, messages=messages, max_tokens=100) as events:
            for event in events:
                if event.type == "text":
                    seen.append(event.text)
            return self.read(events.get_final_message(), "".join(seen))

    def whole(self, model, messages, seen):
        message = self.client.messages.create(model=model, messages=messages, max_tokens=100)
        return self.read(message, "".join(block.text for block in message.content))

    @staticmethod
    def read(message, text):
        return Answer(text, message.model, message.stop_reason, (message.usage.input_tokens, message.usage.output_tokens))


CALLERS = {"openai": OpenAICaller, "anthropic": AnthropicCaller}


class FailoverWorld:
    """`one-F-N` is served by the primary alone, `two-F-N` also by the fallback, `three-F-N` also by the last resort.

    `cross-F-N` has a fallback of the other format.
    """

    OPTIONS = ("timeouts: { first_byte: 1s, idle: 1s, total: 20s, heartbeat: 250ms }, event_loops: 1, ")

    def __init__(self, directory):
        self.upstream = ScriptedUpstream()
        self.numbers = {name: itertools.count() for name in PLATFORMS}
        places = [(name, number) for name in PLATFORMS for number in range(PLACES)]
        sites = "".join(site(self.upstream, f"{name}-{number}-{role}", PLATFORMS[name], f"{role}-{name}-{number}")
                        for name, number in places for role in ROLES)
        self.running = Tuned(directory, sites, "routes:\n" + "".join(map(self.routes, places)), self.OPTIONS)
        self.callers = {name: kind(self.running) for name, kind in CALLERS.items()}

    @staticmethod
    def routes(place):
        name, number = place
        other = "messages" if name == "chat" else "chat"
        primary, fallback, last = (f"{name}-{number}-{role}" for role in ROLES)
        chains = {"one": [primary], "two": [primary, fallback], "three": [primary, fallback, last],
                  "cross": [primary, f"{other}-{number}-fallback"]}
        lines = []
        for word, chain in chains.items():
            channels = ", ".join(
                f"{{ site: {channel}, account: main, model: {channel}-model, priority: {priority} }}"
                for priority, channel in enumerate(chain))
            lines.append(f"  - {{ model: {word}-{name}-{number}, channels: [ {channels} ] }}\n")
        return "".join(lines)

    def stop(self):
        self.running.stop()
        self.upstream.stop()


class Place:
    """The sites of one test, for one combination of client, upstream and mode."""

    def __init__(self, world, client, format_name, mode):
        self.world, self.caller, self.mode = world, world.callers[client], mode
        self.format_name = format_name
        self.kind, self.errors = FORMATS[format_name], ERRORS[format_name]
        self.number = next(world.numbers[format_name])
        self.name = f"{format_name}-{self.number}"
        other = "messages" if format_name == "chat" else "chat"
        self.cross_name = f"{other}-{self.number}-fallback"
        self.seen = []
        for role in ROLES:
            world.upstream.play(f"{self.name}-{role}", *self.good())

    @property
    def is_stream(self):
        return self.mode == "stream"

    def good(self, kind=None, pieces=None):
        """The script of a healthy site."""
        kind = kind or self.kind
        if not self.is_stream:
            return [document(kind.whole), NEXT]
        return [stream(kind.begin + (pieces or kind.content) + kind.end), NEXT]

    def refusal(self, status, error, headers=()):
        return [document(error, status, headers), NEXT]

    def play(self, role, *steps):
        self.world.upstream.play(f"{self.name}-{role}", *steps)

    def ask(self, chain, messages=None):
        """The answer of the SDK, or its exception."""
        self.seen = []
        messages = messages or [{"role": "user", "content": "hello"}]
        return getattr(self.caller, self.mode)(f"{chain}-{self.name}", messages, self.seen)

    def calls(self, role="primary"):
        return len(self.world.upstream.calls(f"{self.name}-{role}"))

    def row(self, chain):
        """The ledger's record of the last request."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if rows := self.world.running.request_rows(model=f"{chain}-{self.name}"):
                return rows[0]
            time.sleep(0.05)
        raise AssertionError(f"no row for {chain}-{self.name}")

    def opening(self, frames):
        """The head of a stream and its first frames."""
        return stream(frames, end=b"")

    def rest(self, frames):
        return b"".join(chunk(frame) for frame in frames) + b"0\r\n\r\n"
