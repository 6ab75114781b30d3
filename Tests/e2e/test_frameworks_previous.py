"""Frameworks that need the previous major line of the SDKs: each completes a turn with a tool, as in test_frameworks.py."""

import asyncio
import json

import pytest
from dialects import MODELS
from gateway import KEY

pytestmark = pytest.mark.sdk

QUESTION = 'call weather {"city": "Oslo"}'
FINAL = "the tool said sunny in Oslo"
#: Gemini takes results as documents, and everybody wraps a text in his own.
WRAPPED = 'the tool said {"content":"sunny in Oslo"}'
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {
    "name": "weather", "description": "Tells the weather of a city.", "parameters": PARAMETERS}}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"sunny in {city}"


class TestLangChainGoogle:
    @STREAMS
    def test_tool_turn(self, gateway, model, stream):
        from langchain_core.messages import HumanMessage
        from langchain_core.tools import tool
        from langchain_google_genai import ChatGoogleGenerativeAI
        bound = ChatGoogleGenerativeAI(
            model=model, google_api_key=KEY, base_url=gateway.url, max_retries=1).bind_tools([tool(weather)])

        def ask(messages):
            if not stream:
                return bound.invoke(messages)
            whole = None
            for chunk in bound.stream(messages):
                whole = chunk if whole is None else whole + chunk
            return whole

        messages = [HumanMessage(QUESTION)]
        first = ask(messages)
        assert [(call["name"], call["args"]) for call in first.tool_calls] == [("weather", {"city": "Oslo"})]
        messages += [first, *(tool(weather).invoke({**call, "type": "tool_call"}) for call in first.tool_calls)]
        assert ask(messages).text == FINAL


class TestPydanticAI:
    @STREAMS
    def test_tool_turn(self, gateway, model, stream):
        from pydantic_ai import Agent
        from pydantic_ai.models.google import GoogleModel
        from pydantic_ai.providers.google import GoogleProvider
        agent = Agent(GoogleModel(model, provider=GoogleProvider(api_key=KEY, base_url=gateway.url)),
                      system_prompt="Be brief.", tools=[weather])

        async def run():
            if not stream:
                return (await agent.run(QUESTION)).output
            async with agent.run_stream(QUESTION) as result:
                return await result.get_output()

        assert asyncio.run(run()).replace('": "', '":"') == 'the tool said {"return_value":"sunny in Oslo"}'


class TestInstructor:
    """It reads the arguments of a forced call as its answer; there is no result to send back."""

    @staticmethod
    def make(kind, gateway):
        import instructor
        if kind == "anthropic.messages":
            return instructor.from_anthropic(gateway.anthropic()), {"max_tokens": 1000}
        return instructor.from_openai(gateway.openai()), {}

    @STREAMS
    @pytest.mark.parametrize("kind", ["openai.chat", "anthropic.messages"])
    def test_forced_call(self, gateway, model, kind, stream):
        from pydantic import BaseModel

        class City(BaseModel):
            name: str
            size: int

        client, options = self.make(kind, gateway)
        arguments = {"model": model, "response_model": City, "max_retries": 0, **options, "messages": [
            {"role": "user", "content": 'call City {"name": "Oslo", "size": 709037}'}]}
        if stream:
            city = list(client.create_partial(**arguments))[-1]
        else:
            city = client.create(**arguments)
        assert (city.name, city.size) == ("Oslo", 709037)


class TestLiteLLM:
    """As a client, in the dialect of each of its providers."""

    @staticmethod
    def target(kind, gateway, model):
        if kind == "anthropic.messages":
            return {"model": f"anthropic/{model}", "api_base": gateway.url}
        if kind == "gemini.generate":
            return {"model": f"gemini/{model}", "api_base": gateway.url}
        return {"model": f"openai/{model}", "api_base": f"{gateway.url}/v1"}

    @STREAMS
    @pytest.mark.parametrize("kind", ["openai.chat", "anthropic.messages", "gemini.generate"])
    def test_tool_turn(self, gateway, model, kind, stream):
        import litellm
        arguments = {**self.target(kind, gateway, model), "api_key": KEY, "tools": [TOOL], "num_retries": 0}

        def ask(messages):
            answer = litellm.completion(messages=messages, stream=stream, **arguments)
            whole = litellm.stream_chunk_builder(list(answer), messages=messages) if stream else answer
            return whole.choices[0].message

        messages = [{"role": "user", "content": QUESTION}]
        first = ask(messages)
        assert [(call.function.name, json.loads(call.function.arguments)) for call in first.tool_calls] == [
            ("weather", {"city": "Oslo"})]
        # Its own notes are for its own translations; the OpenAI provider passes on whatever it is given.
        notes = {"provider_specific_fields"} if kind == "openai.chat" else None
        messages += [first.model_dump(exclude_none=True, exclude=notes), {
            "role": "tool", "tool_call_id": first.tool_calls[0].id, "content": weather("Oslo")}]
        assert ask(messages).content.replace('": "', '":"') in (FINAL, WRAPPED)

    @STREAMS
    def test_responses(self, gateway, model, stream):
        import litellm
        arguments = {**self.target("openai.chat", gateway, model), "api_key": KEY, "tools": [
            {"type": "function", "strict": False, **TOOL["function"]}]}

        def ask(items):
            answer = litellm.responses(input=items, stream=stream, store=False, **arguments)
            return list(answer)[-1].response if stream else answer

        items = [{"role": "user", "content": QUESTION}]
        first = ask(items)
        call = next(item for item in first.output if item.type == "function_call")
        assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Oslo"})
        items += [{"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments},
                  {"type": "function_call_output", "call_id": call.call_id, "output": weather("Oslo")}]
        texts = [part.text for item in ask(items).output if item.type == "message" for part in item.content]
        assert texts == [FINAL]


class TestLlamaIndex:
    @STREAMS
    def test_tool_turn(self, gateway, model, stream):
        from llama_index.core.llms import ChatMessage
        from llama_index.core.tools import FunctionTool
        from llama_index.llms.openai_like import OpenAILike
        client = OpenAILike(model=model, api_base=f"{gateway.url}/v1", api_key=KEY, is_chat_model=True,
                            is_function_calling_model=True, max_retries=0)
        tool = FunctionTool.from_defaults(weather)

        def ask(history):
            if not stream:
                return client.chat_with_tools([tool], chat_history=history)
            return list(client.stream_chat_with_tools([tool], chat_history=history))[-1]

        history = [ChatMessage(role="user", content=QUESTION)]
        first = ask(history)
        calls = client.get_tool_calls_from_response(first)
        assert [(call.tool_name, call.tool_kwargs) for call in calls] == [("weather", {"city": "Oslo"})]
        history += [first.message, ChatMessage(
            role="tool", content=str(tool(**calls[0].tool_kwargs)), additional_kwargs={"tool_call_id": calls[0].tool_id})]
        assert ask(history).message.content == FINAL


class TestAutoGen:
    @STREAMS
    def test_tool_turn(self, gateway, model, stream):
        from autogen_agentchat.agents import AssistantAgent
        from autogen_ext.models.openai import OpenAIChatCompletionClient

        async def run():
            client = OpenAIChatCompletionClient(
                model=model, base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, model_info={
                    "vision": False, "function_calling": True, "json_output": True, "family": "unknown",
                    "structured_output": True})
            agent = AssistantAgent(
                "teller", client, tools=[weather], reflect_on_tool_use=True, model_client_stream=stream)
            try:
                return (await agent.run(task=QUESTION)).messages[-1].content
            finally:
                await client.close()

        assert FINAL in asyncio.run(run())


class TestDSPy:
    def test_calls_of_tools(self, gateway, model):
        """Its programs talk in fields of text; the language model beneath makes the calls."""
        import dspy
        client = dspy.LM(f"openai/{model}", api_base=f"{gateway.url}/v1", api_key=KEY, cache=False, num_retries=0)
        first = client(messages=[{"role": "user", "content": QUESTION}], tools=[TOOL])[0]
        call = first["tool_calls"][0]
        assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Oslo"})
        second = client(messages=[
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "tool_calls": [call.model_dump(include={"id", "type", "function"})]},
            {"role": "tool", "tool_call_id": call.id, "content": weather("Oslo")}], tools=[TOOL])
        assert (second[0] if isinstance(second[0], str) else second[0]["text"]) == FINAL
