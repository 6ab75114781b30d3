"""Frameworks on the current major line of the SDKs: each completes a turn with a tool, against an upstream of each format.

They run in an environment of their own (Tests/support/clients.sh). The fake upstreams check every request they get against
the SDKs' types, so a framework's peculiarities reach no upstream that would refuse them.
"""

import asyncio
import json

import pytest
from dialects import MODELS
from gateway import KEY

QUESTION = 'call weather {"city": "Oslo"}'
FINAL = "the tool said sunny in Oslo"
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def weather(city: str) -> str:
    """Tells the weather of a city.

    Args:
        city: Where.
    """
    return f"sunny in {city}"


class TestLangChain:
    @pytest.fixture(autouse=True)
    def own_bytes(self, request, responses_upstream):
        """Its tools for Responses lack `strict`, and in the same format its bytes arrive as they are."""
        responses_upstream.lenient = request.node.callspec.params.get("kind") == "openai.responses"
        yield
        responses_upstream.lenient = False

    @staticmethod
    def make(kind, gateway, model):
        from langchain_anthropic import ChatAnthropic
        from langchain_openai import ChatOpenAI
        if kind == "anthropic.messages":
            return ChatAnthropic(base_url=gateway.url, api_key=KEY, model=model, max_tokens=1000, max_retries=0)
        return ChatOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, model=model, max_retries=0,
                          stream_usage=True,
                          use_responses_api=kind == "openai.responses")

    @staticmethod
    def ask(bound, messages, stream):
        if not stream:
            return bound.invoke(messages)
        whole = None
        for chunk in bound.stream(messages):
            whole = chunk if whole is None else whole + chunk
        return whole

    @STREAMS
    @pytest.mark.parametrize("kind", ["openai.chat", "openai.responses", "anthropic.messages"])
    def test_tool_turn(self, gateway, model, kind, stream):
        from langchain_core.messages import HumanMessage
        from langchain_core.tools import tool
        bound = self.make(kind, gateway, model).bind_tools([tool(weather)])
        messages = [HumanMessage(QUESTION)]
        first = self.ask(bound, messages, stream)
        assert [(call["name"], call["args"]) for call in first.tool_calls] == [("weather", {"city": "Oslo"})]
        assert first.usage_metadata["total_tokens"] > 0
        messages += [first, *(tool(weather).invoke({**call, "type": "tool_call"}) for call in first.tool_calls)]
        assert self.ask(bound, messages, stream).text == FINAL

    def test_structured_output(self, gateway, model):
        from langchain_openai import ChatOpenAI
        from pydantic import BaseModel

        class City(BaseModel):
            name: str

        client = ChatOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, model=model, max_retries=0)
        assert client.with_structured_output(City, method="function_calling").invoke(
            'call City {"name": "Oslo"}') == City(name="Oslo")


def asynchronous_anthropic(gateway):
    import anthropic
    return anthropic.AsyncAnthropic(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=20)


def asynchronous_openai(gateway):
    import openai
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=20)


class TestPydanticAI:
    @staticmethod
    def make(kind, gateway, model):
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
        from pydantic_ai.providers.anthropic import AnthropicProvider
        from pydantic_ai.providers.openai import OpenAIProvider
        if kind == "anthropic.messages":
            return AnthropicModel(model, provider=AnthropicProvider(anthropic_client=asynchronous_anthropic(gateway)))
        made = OpenAIChatModel if kind == "openai.chat" else OpenAIResponsesModel
        return made(model, provider=OpenAIProvider(base_url=f"{gateway.url}/v1", api_key=KEY))

    @STREAMS
    @pytest.mark.parametrize("kind", ["openai.chat", "openai.responses", "anthropic.messages"])
    def test_tool_turn(self, gateway, model, kind, stream):
        from pydantic_ai import Agent
        agent = Agent(self.make(kind, gateway, model), system_prompt="Be brief.", tools=[weather])

        async def run():
            if not stream:
                return (await agent.run(QUESTION)).output
            async with agent.run_stream(QUESTION) as result:
                return await result.get_output()

        assert asyncio.run(run()) == FINAL


class TestOpenAIAgents:
    @STREAMS
    @pytest.mark.parametrize("kind", ["openai.chat", "openai.responses"])
    def test_tool_turn(self, gateway, model, kind, stream):
        from agents import (
            Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled)
        set_tracing_disabled(True)
        made = OpenAIChatCompletionsModel if kind == "openai.chat" else OpenAIResponsesModel

        async def run():
            agent = Agent(name="teller", instructions="Be brief.", tools=[function_tool(weather)],
                          model=made(model=model, openai_client=asynchronous_openai(gateway)))
            if not stream:
                return (await Runner.run(agent, QUESTION)).final_output
            result = Runner.run_streamed(agent, QUESTION)
            async for _ in result.stream_events():
                pass
            return result.final_output

        assert asyncio.run(run()) == FINAL


class TestLLM:
    @STREAMS
    def test_tool_turn(self, gateway, model, stream):
        from llm.default_plugins.openai_models import Chat
        chat = Chat(model, model_name=model, api_base=f"{gateway.url}/v1", key=KEY, supports_tools=True)
        answers = chat.chain(QUESTION, tools=[weather], stream=stream, key=KEY)
        assert "".join(answers) == FINAL


class TestSmolagents:
    """It tells of calls and results as text, so what comes back to it is a word of the user."""

    @STREAMS
    def test_tool_turn(self, gateway, model, stream):
        from smolagents import OpenAIModel, tool
        from smolagents.models import agglomerate_stream_deltas
        client = OpenAIModel(model_id=model, api_base=f"{gateway.url}/v1", api_key=KEY)

        def ask(*turns):
            messages = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in turns]
            if not stream:
                return client.generate(messages, tools_to_call_from=[tool(weather)])
            return agglomerate_stream_deltas(
                list(client.generate_stream(messages, tools_to_call_from=[tool(weather)])))

        first = ask(("user", QUESTION))
        assert [call.function.name for call in first.tool_calls] == ["weather"]
        arguments = first.tool_calls[0].function.arguments
        assert (json.loads(arguments) if isinstance(arguments, str) else arguments) == {"city": "Oslo"}
        last = ask(("user", QUESTION), ("tool-call", f"Calling tools: {arguments}"),
                   ("tool-response", f"say {weather('Oslo')}"))
        assert last.content == "sunny in Oslo"
