import PatchbayCore
import Testing

@testable import PatchbayGateway

/// Requests that let a model go on with the beginning of an answer.
struct PrefilledRequestTests {
    private static let beginning = Array("Once \"upon\"".utf8)

    private func body(
        _ request: String, _ format: WireFormat = .anthropicMessages, profile: String = "", tokens: Int = 4
    ) throws -> String {
        let prefilled = try PrefilledRequest(format: format, profile: Array(profile.utf8))
        let bytes = try Array(request.utf8).withUnsafeBytes {
            try prefilled.body(from: $0, beginning: Self.beginning[...], tokens: tokens)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func obstacle(
        _ request: String, _ format: WireFormat = .anthropicMessages, profile: String = ""
    ) -> PrefilledRequest.Obstacle? {
        do {
            _ = try body(request, format, profile: profile)
            return nil
        } catch {
            return error as? PrefilledRequest.Obstacle
        }
    }

    private static let turn = #"{"role":"user","content":"hi"}"#
    private static let chat = #"{"prefill":true}"#

    @Test func theTurnStandsAtTheEndAndEveryOtherByteStays() throws {
        #expect(
            try body(#"{ "model":"m", "messages": [\#(Self.turn) ] , "max_tokens": 100, "x":1.50}"#)
                == #"{ "model":"m", "messages": [\#(Self.turn) ,{"role":"assistant","content":"Once \"upon\""}] , "max_tokens": 96, "x":1.50}"#
        )
    }

    @Test func theLimitNeverFallsBelowOne() throws {
        let found = try body(#"{"messages":[\#(Self.turn)],"max_tokens":3}"#)
        #expect(found.hasSuffix(#""max_tokens":1}"#))
    }

    @Test func serversOfChatSayHowTheyWantIt() throws {
        let request = #"{"messages":[\#(Self.turn)],"max_completion_tokens":10}"#
        let plain = try body(request, .openAIChat, profile: Self.chat)
        #expect(plain.hasSuffix(#"{"role":"assistant","content":"Once \"upon\""}],"max_completion_tokens":6}"#))
        let prefix = try body(request, .openAIChat, profile: #"{"prefill":"prefix"}"#)
        #expect(prefix.contains(#""content":"Once \"upon\"","prefix":true}]"#))
        let final = try body(request, .openAIChat, profile: #"{"prefill":"continue_final_message"}"#)
        #expect(final.hasSuffix(#""continue_final_message":true,"add_generation_prompt":false}"#))
    }

    @Test func onlySomeFormatsTakeABeginning() {
        let request = #"{"messages":[\#(Self.turn)]}"#
        #expect(obstacle(request) == nil)
        #expect(obstacle(request, profile: #"{"prefill":false}"#) == .profile)
        #expect(obstacle(request, .openAIChat) == .profile)
        #expect(obstacle(request, .openAIChat, profile: #"{"prefill":false}"#) == .profile)
        #expect(obstacle(request, .openAIResponses, profile: Self.chat) == .format)
        #expect(obstacle(request, .geminiGenerate, profile: Self.chat) == .format)
    }

    @Test(arguments: [
        (#""thinking":{"type":"enabled","budget_tokens":2048}"#, PrefilledRequest.Obstacle.reasoning),
        (#""thinking":{"type":"adaptive"}"#, .reasoning), (#""thinking":{"type":"disabled"}"#, nil),
        (#""output_config":{"format":{"type":"json_schema"}}"#, .structured),
        (#""output_config":{"effort":"low"}"#, nil), (#""output_format":{"type":"json_schema"}"#, .structured),
        (#""tool_choice":{"type":"any"}"#, .forcedTool), (#""tool_choice":{"type":"tool","name":"f"}"#, .forcedTool),
        (#""tool_choice":{"type":"auto"}"#, nil), (#""tool_choice":{"type":"none"}"#, nil),
    ])
    func whatAMessagesServerWouldRefuse(member: String, expected: PrefilledRequest.Obstacle?) {
        #expect(obstacle(#"{"messages":[\#(Self.turn)],\#(member)}"#) == expected)
    }

    @Test(arguments: [
        (#""response_format":{"type":"json_object"}"#, PrefilledRequest.Obstacle.structured),
        (#""response_format":{"type":"text"}"#, nil), (#""n":2"#, .severalChoices), (#""n":1"#, nil),
        (#""logprobs":true"#, .probabilities), (#""logprobs":false"#, nil),
        (#""tool_choice":"required""#, .forcedTool), (#""tool_choice":"auto""#, nil),
        (#""tool_choice":{"type":"function","function":{"name":"f"}}"#, .forcedTool),
        (#""function_call":{"name":"f"}"#, .forcedTool), (#""function_call":"auto""#, nil),
    ])
    func whatAChatServerWouldNotContinue(member: String, expected: PrefilledRequest.Obstacle?) {
        #expect(obstacle(#"{"messages":[\#(Self.turn)],\#(member)}"#, .openAIChat, profile: Self.chat) == expected)
    }

    @Test func aRequestThatEndsWithTheAssistantOrCannotBeRead() {
        #expect(obstacle(#"{"messages":[\#(Self.turn),{"role":"assistant","content":"A"}]}"#) == .ownBeginning)
        #expect(obstacle(#"{"messages":[]}"#) == .unreadable)
        #expect(obstacle(#"{"messages":"hi"}"#) == .unreadable)
        #expect(obstacle("{}") == .unreadable)
        #expect(obstacle("[") == .unreadable)
    }
}
