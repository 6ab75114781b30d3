"""What upstreams of both formats say when they refuse a request, in the words of the real ones."""

PREFILL = "This model does not support assistant message prefill. The conversation must end with a user message."


class ChatErrors:
    @staticmethod
    def error(message, kind="invalid_request_error", code=None):
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    context = error("This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 "
                    "tokens. Please reduce the length of the messages.", code="context_length_exceeded")
    policy = error("Your request was rejected as a result of our safety system.", code="content_policy_violation")
    prefill = error(PREFILL)
    invalid = error("Invalid value for 'temperature': must be at most 2.", code="invalid_value")
    rate = error("Rate limit reached for requests", "requests", "rate_limit_exceeded")
    server = error("The server had an error while processing your request.", "server_error")
    overloaded = error("The engine is currently overloaded.", "server_error", "server_is_overloaded")


class MessagesErrors:
    @staticmethod
    def error(message, kind="invalid_request_error"):
        return {"type": "error", "error": {"type": kind, "message": message}}

    context = error("prompt is too long: 9000 tokens > 8192 maximum")
    policy = error("Output blocked by content filtering policy")
    prefill = error(PREFILL)
    invalid = error("temperature: Input should be less than or equal to 1")
    rate = error("This request would exceed the rate limit of your organization.", "rate_limit_error")
    server = error("Internal server error", "api_error")
    overloaded = error("Overloaded", "overloaded_error")
