/* Generated from plugin.json. */
#define PLUGIN_ID "platform-openai-c"
#define PLUGIN_MANIFEST \
    "{\n" \
    "  \"id\": \"platform-openai-c\",\n" \
    "  \"version\": \"1.0.0\",\n" \
    "  \"name\": \"OpenAI-compatible (C)\",\n" \
    "  \"kinds\": [\"platform\"],\n" \
    "  \"license\": \"Apache-2.0\",\n" \
    "  \"description\": \"The smallest useful platform adapter, in plain C.\",\n" \
    "  \"speaks\": [\"openai.chat\"],\n" \
    "  \"config\": { \"type\": \"object\", \"additionalProperties\": false, \"properties\": {} },\n" \
    "  \"credentials\": [{ \"kind\": \"api_key\", \"secrets\": [\"api_key\"], \"fields\": [] }],\n" \
    "  \"operations\": [{ \"name\": \"models\", \"mode\": \"blocking\", \"timeout_ms\": 30000 }],\n" \
    "  \"permissions\": []\n" \
    "}\n" \
    ""
