internal import CPatchbay
internal import PatchbayWire

/// `patchbay.json/1`: JSON for adapters without a library of their own.
enum JSONService {
    static let table = StaticTable(
        pb_json(
            size: UInt32(MemoryLayout<pb_json>.size), reserved: 0, parse: parse,
            release: { document in
                guard let document else { return }
                Unmanaged<JSONServiceDocument>.fromOpaque(document).release()
            },
            at: { document, node, pointer in with(document, -1) { $0.at(node, pointer.text) } },
            kind: { document, node in with(document, UInt32(PB_JSON_ABSENT)) { $0.kind(node) } },
            count: { document, node in with(document, 0) { $0.count(node) } },
            first: { document, node in with(document, -1) { $0.first(node) } },
            next: { document, node in with(document, -1) { $0.next(node) } },
            name: { document, node in with(document, .absent) { $0.name(node) } },
            text: { document, node in with(document, .absent) { $0.text(node) } },
            number: { document, node, otherwise in with(document, otherwise) { $0.number(node) ?? otherwise } },
            raw: { document, node in with(document, .absent) { $0.raw(node) } }, write_string: writeString))

    private static func with<Result>(
        _ document: UnsafeMutableRawPointer?, _ otherwise: Result, _ body: (JSONServiceDocument) -> Result
    ) -> Result {
        guard let document else { return otherwise }
        return body(Unmanaged<JSONServiceDocument>.fromOpaque(document).takeUnretainedValue())
    }

    private static let parse:
        @convention(c) (
            UnsafePointer<pb_host>?, pb_str, UnsafeMutablePointer<UnsafeMutableRawPointer?>?, UnsafePointer<pb_sink>?
        ) -> pb_status = { _, text, result, sink in
            guard let result else { return Status.invalid }
            do throws(JSONError) {
                result.pointee = Unmanaged.passRetained(try JSONServiceDocument(text.bytes)).toOpaque()
                return Status.ok
            } catch {
                result.pointee = nil
                var message = error.message
                if let sink { message.withUTF8 { _ = sink.pointee.write(sink, pb_str(UnsafeRawBufferPointer($0))) } }
                return Status.invalid
            }
        }

    private static let writeString:
        @convention(c) (UnsafePointer<pb_host>?, pb_str, UnsafePointer<pb_sink>?) -> pb_status = {
            _, text, sink in
            guard let sink else { return Status.invalid }
            var writer = JSONWriter()
            writer.string(utf8: text.bytes)
            return writer.bytes.withUnsafeBytes { sink.pointee.write(sink, pb_str($0)) }
        }
}

/// A parsed document as plugins see it. Used by one thread at a time. A node is the place of a value on the tape.
final class JSONServiceDocument {
    private let memory: UnsafeMutableRawBufferPointer
    private var tape = JSONTape()
    /// For each place whether it holds the value of an object's member, whose name stands right before it.
    private var isMember: [Bool] = []
    private var unescaped: [Int: StableBytes] = [:]

    init(_ text: UnsafeRawBufferPointer) throws(JSONError) {
        memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(text.count, 1), alignment: 1)
        memory.copyMemory(from: text)
        try tape.parse(UnsafeRawBufferPointer(rebasing: memory[..<text.count]))
        isMember = Array(repeating: false, count: tape.count)
        markMembers(of: tape.root)
    }

    deinit {
        memory.deallocate()
    }

    private func markMembers(of root: JSONIndex) {
        var pending = [root]
        while let container = pending.popLast() {
            var place = tape.first(container)
            while let here = place {
                let value = tape.kind(container) == .object ? JSONIndex(here.position + 1) : here
                if value != here { isMember[value.position] = true }
                if tape.kind(value).isContainer { pending.append(value) }
                place = tape.next(value)
            }
        }
    }

    private func index(_ node: Int64) -> JSONIndex? {
        node >= 0 && node < Int64(tape.count) ? JSONIndex(Int(node)) : nil
    }

    private func node(_ index: JSONIndex?) -> Int64 {
        index.map { Int64($0.position) } ?? -1
    }

    /// From a key to its value; a value stays.
    private func value(at place: JSONIndex?, in container: JSONIndex) -> JSONIndex? {
        guard let place else { return nil }
        return tape.kind(container) == .object ? JSONIndex(place.position + 1) : place
    }

    func kind(_ node: Int64) -> UInt32 {
        guard let index = index(node) else { return UInt32(PB_JSON_ABSENT) }
        return switch tape.kind(index) {
        case .null: UInt32(PB_JSON_NULL)
        case .false: UInt32(PB_JSON_FALSE)
        case .true: UInt32(PB_JSON_TRUE)
        case .number: UInt32(PB_JSON_NUMBER)
        case .string: UInt32(PB_JSON_STRING)
        case .array: UInt32(PB_JSON_ARRAY)
        case .object: UInt32(PB_JSON_OBJECT)
        }
    }

    func first(_ node: Int64) -> Int64 {
        guard let index = index(node) else { return -1 }
        return self.node(value(at: tape.first(index), in: index))
    }

    func next(_ node: Int64) -> Int64 {
        guard let index = index(node), let following = tape.next(index) else { return -1 }
        return self.node(isMember[index.position] ? JSONIndex(following.position + 1) : following)
    }

    func count(_ node: Int64) -> UInt64 {
        var count: UInt64 = 0
        var child = first(node)
        while child >= 0 {
            count += 1
            child = next(child)
        }
        return count
    }

    func name(_ node: Int64) -> pb_str {
        guard let index = index(node), isMember[index.position] else { return .absent }
        return string(JSONIndex(index.position - 1))
    }

    func text(_ node: Int64) -> pb_str {
        guard let index = index(node), tape.kind(index) == .string else { return .absent }
        return string(index)
    }

    private func string(_ index: JSONIndex) -> pb_str {
        guard tape.hasEscapes(index) else { return pb_str(tape.rawString(index)) }
        if let known = unescaped[index.position] { return pb_str(known.view) }
        let text = StableBytes(tape.string(index) ?? "")
        unescaped[index.position] = text
        return pb_str(text.view)
    }

    func number(_ node: Int64) -> Double? {
        index(node).flatMap { tape.double($0) }
    }

    func raw(_ node: Int64) -> pb_str {
        index(node).map { pb_str(tape.raw($0)) } ?? .absent
    }

    /// RFC 6901. An element of an array is named by its index without leading zeros.
    func at(_ node: Int64, _ pointer: String) -> Int64 {
        guard !pointer.isEmpty else { return index(node) == nil ? -1 : node }
        guard pointer.hasPrefix("/") else { return -1 }
        var place = index(node)
        for part in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let here = place else { return -1 }
            place = tape.kind(here) == .array ? element(here, String(part)) : member(here, Self.decoded(part))
        }
        return self.node(place)
    }

    private func member(_ object: JSONIndex, _ name: String) -> JSONIndex? {
        var name = name
        return name.withUTF8 { tape.member(object, named: UnsafeRawBufferPointer($0)) }
    }

    private func element(_ array: JSONIndex, _ text: String) -> JSONIndex? {
        guard let wanted = Int(text), wanted >= 0, String(wanted) == text else { return nil }
        var place = tape.first(array)
        for _ in 0..<wanted {
            guard let here = place else { return nil }
            place = tape.next(here)
        }
        return place
    }

    private static func decoded(_ part: Substring) -> String {
        var decoded = ""
        var isEscaped = false
        for character in part {
            if isEscaped {
                decoded.append(character == "1" ? "/" : character == "0" ? "~" : character)
                isEscaped = false
            } else if character == "~" {
                isEscaped = true
            } else {
                decoded.append(character)
            }
        }
        return decoded
    }
}
