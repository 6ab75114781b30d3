import PatchbayPlugin
import PatchbayWire
import Testing

@testable import CanonicalChat
@testable import FormatAnthropicMessages
@testable import FormatGemini
@testable import FormatOpenAIChat

@Suite("Schemas for Gemini")
struct GeminiSchemaTests {
    private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

    private func written(_ schema: String, _ dialect: GeminiSchemaWriter.Dialect) throws -> String {
        GeminiSchemaWriter.written(try json(schema), dialect).description
    }

    @Test(
        "E-83 keywords that the server refuses are translated or move into the description",
        arguments: [
            (
                #"{"$schema":"x","type":"object","properties":{"a":{"const":"x"}},"not":{}}"#,
                #"{"type":"object","properties":{"a":{"enum":["x"]}}}"#
            ),
            (#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#, #"{"anyOf":[{"type":"string"},{"type":"null"}]}"#),
            (
                #"{"type":"string","pattern":"^a","minLength":2,"default":"x"}"#,
                #"{"type":"string","description":"(pattern: \"^a\", minLength: 2, default: \"x\")"}"#
            ),
            (
                #"{"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":10}"#,
                #"{"type":"integer","minimum":1,"maximum":9}"#
            ),
            (
                #"{"type":"number","exclusiveMinimum":0.5}"#,
                #"{"type":"number","description":"(exclusiveMinimum: 0.5)"}"#
            ),
            (
                #"{"allOf":[{"type":"object","properties":{"a":{"type":"string"}}},{"properties":{"b":{"type":"string"}},"required":["b"]}]}"#,
                #"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["b"]}"#
            ),
            (
                #"{"type":["string","null"],"additionalProperties":false}"#,
                #"{"type":["string","null"],"additionalProperties":false}"#
            ),
        ])
    func keywords(schema: String, expected: String) throws {
        #expect(try written(schema, .json) == expected)
    }

    @Test("E-84 a property named like a keyword stays", arguments: [GeminiSchemaWriter.Dialect.json, .openAPI])
    func propertyNames(dialect: GeminiSchemaWriter.Dialect) throws {
        let names = ["default", "type", "properties", "$ref", "required", "const", "not", "items"]
        let properties = JSONObject(names.map { JSONObject.Member(key: $0, value: ["type": "string"]) })
        let schema: JSONValue = [
            "type": "object", "properties": .object(properties), "required": .array(names.map(JSONValue.string)),
        ]
        let result = GeminiSchemaWriter.written(schema, dialect)
        #expect(result["properties"]?.objectValue?.keys == names)
        #expect(result["required"] == schema["required"])
    }

    @Test("E-86 references are resolved, and end where they would not")
    func references() throws {
        let recursive =
            ##"{"type":"object","properties":{"next":{"$ref":"#","description":"more"},"v":{"type":"string"}}}"##
        let result = GeminiSchemaWriter.written(try json(recursive), .openAPI)
        var depth = 0
        var node: JSONValue? = result
        while let next = node?["properties"]?["next"] {
            node = next
            depth += 1
        }
        #expect(depth > 1 && depth < 10)
        #expect(node?["type"] == "STRING" && node?["$ref"] == nil)
        let local = ##"{"type":"object","properties":{"a":{"type":"integer"},"b":{"$ref":"#/properties/a"}}}"##
        #expect(try written(local, .openAPI).contains(#""b":{"type":"INTEGER"}"#))
        let escaped =
            ##"{"$defs":{"a/b":{"type":"boolean"}},"type":"object","properties":{"c":{"$ref":"#/$defs/a~1b"}}}"##
        #expect(try written(escaped, .openAPI) == #"{"type":"OBJECT","properties":{"c":{"type":"BOOLEAN"}}}"#)
        // The other dialect has references itself.
        #expect(try written(escaped, .json) == escaped)
    }

    @Test(
        "E-87 enumerations hold what the field can hold",
        arguments: [
            (#"{"type":"integer","enum":[1,2]}"#, #"{"type":"INTEGER","description":"(one of: 1, 2)"}"#),
            (#"{"enum":["a","",null]}"#, #"{"nullable":true,"enum":["a"],"type":"STRING"}"#),
            (#"{"type":["string","null"],"enum":["a"]}"#, #"{"nullable":true,"type":"STRING","enum":["a"]}"#),
            (
                #"{"type":["string","integer"],"description":"d"}"#,
                #"{"description":"d","anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}"#
            ),
        ])
    func enumerations(schema: String, expected: String) throws {
        #expect(try written(schema, .openAPI) == expected)
    }

    @Test("E-88 missing properties, arrays without items and empty objects are mended")
    func mended() throws {
        let schema =
            #"{"type":"object","properties":{"a":{"type":"array"},"b":{"type":"object"}},"required":["a","gone"]}"#
        #expect(
            try written(schema, .openAPI)
                == #"{"type":"OBJECT","properties":{"a":{"type":"ARRAY","items":{"type":"STRING"}},"#
                + #""b":{"type":"STRING","description":"JSON object as a string"}},"required":["a"]}"#)
        for empty in ["{}", #"{"type":"object"}"#, #"{"type":"object","properties":{}}"#] {
            let wire = try Gemini.fromChat(Gemini.chatRequest(schema: try json(empty))).wire
            #expect(wire["tools"]?[0]?["functionDeclarations"]?[0] == ["name": "f"])
        }
    }

    @Test("Writing a schema twice changes nothing", arguments: [GeminiSchemaWriter.Dialect.json, .openAPI])
    func idempotent(dialect: GeminiSchemaWriter.Dialect) throws {
        let schema = try json(
            #"{"type":"object","properties":{"a":{"oneOf":[{"type":"string"},{"type":"integer"}]},"b":{"type":"array"},"#
                + #""c":{"type":"string","format":"uuid","pattern":"x"},"d":{"const":3}},"required":["a"]}"#)
        let once = GeminiSchemaWriter.written(schema, dialect)
        #expect(GeminiSchemaWriter.written(once, dialect) == once)
    }

    @Test("The profile chooses the dialect of the schema")
    func dialects() throws {
        let request = Gemini.chatRequest(schema: ["type": "object", "properties": ["a": ["type": "string"]]])
        let wire = try Gemini.fromChat(request) { $0.profile.schema = "gemini-openapi" }.wire
        let declaration = wire["tools"]?[0]?["functionDeclarations"]?[0]
        #expect(declaration?["parameters"]?["type"] == "OBJECT")
        #expect(declaration?["parametersJsonSchema"] == nil)
    }

    @Test("The format's own schemas become JSON schema")
    func reading() throws {
        let own =
            #"{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true,"enum":["a"]},"#
            + #""n":{"type":"ARRAY","max_items":"5","items":{"type":"INTEGER"}}},"property_ordering":["n"]}"#
        #expect(
            GeminiSchemaReader.jsonSchema(try json(own)).description
                == #"{"type":"object","properties":{"type":{"type":["string","null"],"enum":["a",null]},"#
                + #""n":{"type":"array","maxItems":5,"items":{"type":"integer"}}}}"#)
    }
}
