import PatchbayPlugin

/// The plugin `format-cohere-chat`: binds the conversions of this package to the kit.
struct FormatCohereChat: WireFormatCodec {
    static let format = "cohere.chat"

    init(configuration: PluginConfiguration, host: Host) throws {}

    func requestToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws {
        canonical.append(try RequestReader.read(Self.parse(wire)).bytes)
    }

    func requestFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws {
        let writer = RequestWriter(model: parameters.upstreamModel.string, isStream: parameters.isStream) {
            parameters.recordLoss($0, $1, path: $2)
        }
        wire.append(try writer.write(Self.parse(canonical)).bytes)
    }

    func responseToCanonical(
        _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) throws {
        canonical.append(try ResponseReader.read(Self.parse(wire), model: parameters.upstreamModel.string).bytes)
    }

    func responseFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws {
        wire.append(ResponseWriter.write(try Self.parse(canonical), requestID: parameters.requestID.string).bytes)
    }

    func tapResponse(_ wire: ByteView, _ parameters: ConversionParameters, into events: inout EventWriter) throws {
        let answer = try Self.parse(wire)
        events.start(id: answer["id"]?.text ?? "", model: parameters.upstreamModel.string)
        guard let finish = answer["finish_reason"]?.text, answer.present("message")?.object != nil else {
            guard let message = answer["message"]?.text else {
                throw PluginError(.invalid, "An answer of cohere.chat must have finish_reason and message.")
            }
            return events.error(.server, message: message)
        }
        events.usage(Usage(answer["usage"]).counters)
        events.finish(Finish(word: finish).reason, stopSequence: nil, native: finish)
    }

    func errorToCanonical(
        status: Int, _ wire: ByteView, _ parameters: ConversionParameters, into canonical: inout ByteWriter
    ) {
        let body = try? JSONReader.read(wire)
        let message = body?["message"]?.text ?? String(wire.string.prefix(500))
        let category = Failure.category(status: status, message: message)
        canonical.append(
            JSON.members([
                "canon": .int(1), "category": .string(category), "message": .string(message),
                "upstream": .members(["format": .string(Self.format), "http": .int(status)]),
            ]).bytes)
    }

    func errorFromCanonical(
        _ canonical: ByteView, _ parameters: ConversionParameters, into wire: inout ByteWriter
    ) throws -> Int {
        let error = try Self.parse(canonical)
        wire.append(
            JSON.members([
                "id": .string(parameters.requestID.string), "message": error["message"] ?? .string("unknown error"),
            ]).bytes)
        return Failure.status(category: error["category"]?.text ?? "server")
    }

    func makeDecoder(_ parameters: ConversionParameters) -> StreamReader {
        StreamReader(model: parameters.upstreamModel.string, isTap: parameters.isTap)
    }

    func makeEncoder(_ parameters: ConversionParameters) -> StreamWriter {
        StreamWriter(requestID: parameters.requestID.string)
    }

    private static func parse(_ document: ByteView) throws -> JSON {
        do throws(JSONFailure) {
            return try JSONReader.read(document)
        } catch {
            throw PluginError(.invalid, "The body is not valid JSON at byte \(error.offset).")
        }
    }
}
