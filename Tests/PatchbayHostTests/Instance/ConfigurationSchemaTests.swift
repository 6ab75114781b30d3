import Testing

@testable import PatchbayHost

struct ConfigurationSchemaTests {
    private let schema = ConfigurationSchema(
        Array(
            #"""
            {"type":"object","required":["region"],"additionalProperties":false,"properties":{
             "region":{"type":"string","enum":["eu","us"]},"retries":{"type":"integer","minimum":0,"maximum":5,"default":2},
             "ratio":{"type":["number","null"]},"debug":{"type":"boolean","default":false},
             "path":{"type":"string","pattern":"^(/[a-z]+)*$"}}}
            """#.utf8))

    @Test func fillsDefaultsIn() throws {
        #expect(try schema.complete(#"{"region":"eu"}"#).text == #"{"region":"eu","retries":2,"debug":false}"#)
        #expect(try schema.complete(#"{"region":"eu","ratio":null,"retries":5,"debug":true}"#).text.contains("null"))
    }

    @Test(
        "a refusal names the field and the rule",
        arguments: [
            ("[]", "The configuration must be a JSON object."),
            ("{}", "The configuration's field region is missing."),
            (#"{"region":7}"#, "The configuration's field region must be a string."),
            (#"{"region":"cn"}"#, #"The configuration's field region must be one of "eu", "us"."#),
            (#"{"region":"eu","retries":1.5}"#, "The configuration's field retries must be an integer."),
            (#"{"region":"eu","retries":9}"#, "The configuration's field retries must be at most 5."),
            (#"{"region":"eu","retries":-1}"#, "The configuration's field retries must be at least 0."),
            (#"{"region":"eu","ratio":"x"}"#, "The configuration's field ratio must be a number or null."),
            (#"{"region":"eu","path":"x"}"#, "The configuration's field path must match the pattern ^(/[a-z]+)*$."),
            (#"{"region":"eu","colour":1}"#, "The configuration's field colour is not known."),
        ])
    func refusals(text: String, sentence: String) {
        #expect(throws: PluginError(.invalid, sentence)) { try schema.complete(text) }
    }

    @Test func takesAnythingWithoutSchema() throws {
        #expect(try ConfigurationSchema(nil).complete("").text == "{}")
        #expect(try ConfigurationSchema(nil).complete(#"{"a":1}"#).text == #"{"a":1}"#)
    }
}
