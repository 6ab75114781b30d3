import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayStore
import PatchbayWire

/// The files that clients upload, list, read and remove. A file belongs to the key that uploaded it; to every other key
/// it does not exist.
extension Exchange {
    /// Both dialects have the same paths; Anthropic's clients say who they are.
    var fileDialect: Dialect {
        for field in connection.head.fields where field.known == .anthropicVersion { return .anthropic }
        return .openAI
    }

    func answerFile(_ request: FileRequest) throws(GatewayError) {
        guard let owner = key?.key.name else { return }
        guard let files = loop.files else {
            throw GatewayError(
                .notImplemented, "this gateway keeps no files; send their content in the request itself", status: 501)
        }
        switch (request, connection.head.method) {
        case (.collection, .post): try upload(to: files, owner)
        case (.collection, _): try list(files, owner)
        case (.entry, .delete): remove(fileIDInPath, of: files, owner)
        case (.entry, _): describe(fileIDInPath, in: files, owner)
        case (.content, _): openContent(of: fileIDInPath, in: files, owner)
        }
    }

    /// The id in `/v1/files/{id}…`.
    private var fileIDInPath: String {
        let path = connection.headBytes.withUnsafeReadableBytes { bytes in
            String(decoding: connection.head.path.bytes(in: bytes), as: UTF8.self)
        }
        let words = path.split(separator: "/")
        guard let place = words.firstIndex(of: "files"), words.count > place + 1 else { return "" }
        return String(words[place + 1].prefix(128))
    }

    // MARK: - Upload

    private func upload(to files: FileStore, _ owner: String) throws(GatewayError) {
        let form = try readForm()
        guard form.content.count <= files.settings.fileBytes else {
            throw GatewayError(
                .tooLarge, "the file has \(form.content.count) bytes; the limit is \(files.settings.fileBytes)",
                status: 413, parameter: "file")
        }
        guard let content = body.getSlice(at: body.readerIndex + form.content.lowerBound, length: form.content.count)
        else { return }
        let file = NewFile(
            name: form.name, type: form.type, purpose: form.purpose ?? "user_data",
            keepMilliseconds: form.expiresAfter.map { Int64($0) * 1000 }, bytes: form.content.count
        ) { use in content.withUnsafeReadableBytes(use) }
        body = ByteBuffer()
        ask(for: "files", { files.put(file, owner: owner, $0) }) { [self] upload throws(GatewayError) in
            switch upload {
            case .kept(let file): answer(FileDocument.metadata(file, dialect))
            case .tooMany:
                throw GatewayError(
                    .fileLimitReached, "the key has \(files.settings.keyCount) files, which is the limit; delete some",
                    status: 403)
            case .tooLarge(let excess):
                throw GatewayError(
                    .fileLimitReached,
                    "the files of the key would have \(excess) bytes more than the limit of \(files.settings.keyBytes)",
                    status: 403)
            }
        }
    }

    private func readForm() throws(GatewayError) -> FileForm {
        let boundary: [UInt8]?
        do throws(MultipartError) {
            boundary = try connection.headBytes.withUnsafeReadableBytes { bytes throws(MultipartError) in
                guard let type = connection.head.fields.first(.contentType)?.bytes(in: bytes) else { return nil }
                return try MultipartParser.boundary(ofContentType: type)
            }
        } catch {
            throw .invalid("the request body is not a form: \(error.message)")
        }
        guard let boundary else {
            throw .invalid("a file has to be uploaded as multipart/form-data with the part \"file\"")
        }
        let needsPurpose = dialect != .anthropic
        return try body.withUnsafeReadableBytes { bytes throws(GatewayError) in
            try FileForm(scanning: bytes, boundary: boundary, needsPurpose: needsPurpose)
        }
    }

    // MARK: - What is known of files

    private func list(_ files: FileStore, _ owner: String) throws(GatewayError) {
        let query = try FileQuery.parse(query, dialect)
        ask(for: "files", { files.list(query, owner: owner, $0) }) { [self] page throws(GatewayError) in
            guard let page else {
                let name = query.before != nil ? "before_id" : dialect == .anthropic ? "after_id" : "after"
                throw .invalid("\"\(name)\" has to be the id of a file", parameter: name)
            }
            answer(FileDocument.list(page, dialect, isBackward: query.before != nil))
        }
    }

    private func describe(_ id: String, in files: FileStore, _ owner: String) {
        ask(for: "files", { files.find(id, owner: owner, $0) }) { [self] file throws(GatewayError) in
            guard let file else { throw .fileNotFound(id) }
            answer(FileDocument.metadata(file, dialect))
        }
    }

    private func remove(_ id: String, of files: FileStore, _ owner: String) {
        ask(for: "files", { files.remove(id, owner: owner, $0) }) { [self] isRemoved throws(GatewayError) in
            guard isRemoved else { throw .fileNotFound(id) }
            answer(FileDocument.deleted(id, dialect))
        }
    }
}

extension GatewayError {
    /// - Parameter parameter: where the request names it.
    static func fileNotFound(_ id: String, parameter: String? = nil) -> GatewayError {
        GatewayError(.notFound, "File with id '\(id)' not found.", status: 404, parameter: parameter)
    }
}
