import PatchbayCore
import PatchbayRouting
import PatchbayWire

/// The catalogue that Codex reads from the list of models (peers.md section 7.1; the members are those that
/// `codex-rs/protocol` demands in any of its versions).
extension ModelList {
    /// What is not known of a model is not promised: no levels of reasoning, no verbosity, no patches as free text. A
    /// window of context that is not said is not limited.
    static func codex(_ models: [RouteEntry]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("models")
        writer.beginArray()
        for (index, model) in models.enumerated() { writeCodex(model, priority: index, into: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private static func writeCodex(_ model: RouteEntry, priority: Int, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("slug", model.model)
        writer.member("display_name", model.card.displayName ?? model.model)
        writer.nullMember("description")
        writer.member("supported_reasoning_levels", .emptyArray)
        writer.member("shell_type", literal: "default")
        writer.member("visibility", literal: "list")
        writer.member("supported_in_api", true)
        writer.member("minimal_client_version", [0, 0, 0])
        writer.member("priority", priority)
        writer.nullMember("upgrade")
        writer.member("base_instructions", literal: instructions)
        writer.member("supports_reasoning_summaries", false)
        writer.member("reasoning_summary_format", literal: "none")
        writer.member("support_verbosity", false)
        writer.nullMember("default_verbosity")
        writer.nullMember("apply_patch_tool_type")
        writer.member("truncation_policy", ["mode": "bytes", "limit": 10_000])
        writer.member("supports_parallel_tool_calls", true)
        writer.member("experimental_supported_tools", .emptyArray)
        let seesImages = model.card.capabilities.imageInput != 0
        writer.member("input_modalities", seesImages ? ["text", "image"] : ["text"])
        writer.member("context_window", ifPresent: model.card.capabilities.contextWindow)
        writer.endObject()
    }

    /// A model of the catalogue has to bring its instructions along: the client uses them in place of its own.
    private static let instructions: StaticString = """
        You are a coding agent that works with a user in the terminal, on the files of the current folder. Look at \
        the code before you change it, and follow the conventions that you find there and in files named AGENTS.md. \
        Make the smallest change that solves the task completely. Use the tools you are given to read, to edit and \
        to run; prefer rg for searching. Run the tests that the change concerns when you can. Never undo changes \
        that are not yours, and never run destructive commands such as git reset --hard unless you were asked to. \
        Keep the user informed in short messages while you work, and end with a brief summary: what is different \
        now, what you checked, and what is left.
        """
}
