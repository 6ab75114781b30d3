import CPatchbay
import Foundation

/// A JSON document for the fake host's service: nodes in a flat list, as the ABI wants.
private final class FakeDocument {
    struct Node {
        var value: Any
        var name: String?
        var children: [Int64] = []
        var next: Int64 = -1
    }

    var nodes: [Node] = []
    /// Texts handed out, kept until release.
    var texts: [UnsafeMutablePointer<CChar>] = []

    deinit {
        for text in texts { free(text) }
    }

    init?(_ text: pb_str) {
        let data = Data(text.bytes)
        guard let value = try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed) else { return nil }
        _ = add(value, name: nil)
    }

    private func add(_ value: Any, name: String?) -> Int64 {
        let index = Int64(nodes.count)
        nodes.append(Node(value: value, name: name))
        var children: [Int64] = []
        if let object = value as? [String: Any] {
            children = object.sorted { $0.key < $1.key }.map { add($0.value, name: $0.key) }
        } else if let array = value as? [Any] {
            children = array.map { add($0, name: nil) }
        }
        for (left, right) in zip(children, children.dropFirst()) { nodes[Int(left)].next = right }
        nodes[Int(index)].children = children
        return index
    }

    func find(_ start: Int64, _ pointer: String) -> Int64 {
        var node = start
        for part in pointer.split(separator: "/") {
            guard node >= 0 else { return -1 }
            let children = nodes[Int(node)].children
            if nodes[Int(node)].value is [Any] {
                guard let index = Int(part), children.indices.contains(index) else { return -1 }
                node = children[index]
            } else {
                node = children.first { nodes[Int($0)].name == String(part) } ?? -1
            }
        }
        return node
    }

    func keep(_ text: String) -> pb_str {
        let copy = strdup(text)!
        texts.append(copy)
        return pb_str(ptr: copy, len: UInt64(text.utf8.count))
    }

    static func at(_ pointer: UnsafeMutableRawPointer?) -> FakeDocument? {
        pointer.map { Unmanaged<FakeDocument>.fromOpaque($0).takeUnretainedValue() }
    }
}

extension FakeServices {
    static let json: Table<pb_json> = {
        var table = pb_json()
        table.size = UInt32(MemoryLayout<pb_json>.size)
        table.parse = { _, text, document, error in
            guard let parsed = FakeDocument(text) else { return pb_status(PB_E_INVALID) }
            document!.pointee = Unmanaged.passRetained(parsed).toOpaque()
            return 0
        }
        table.release = { document in
            if let document { Unmanaged<FakeDocument>.fromOpaque(document).release() }
        }
        table.at = { document, node, pointer in FakeDocument.at(document)?.find(node, pointer.text) ?? -1 }
        table.kind = { document, node in
            guard node >= 0, let value = FakeDocument.at(document)?.nodes[Int(node)].value else { return 0 }
            return switch value {
            case is [Any]: UInt32(PB_JSON_ARRAY)
            case is [String: Any]: UInt32(PB_JSON_OBJECT)
            case is String: UInt32(PB_JSON_STRING)
            case is NSNull: UInt32(PB_JSON_NULL)
            default: UInt32(PB_JSON_NUMBER)
            }
        }
        table.first = { document, node in
            node < 0 ? -1 : FakeDocument.at(document)?.nodes[Int(node)].children.first ?? -1
        }
        table.next = { document, node in node < 0 ? -1 : FakeDocument.at(document)?.nodes[Int(node)].next ?? -1 }
        table.text = { document, node in
            guard node >= 0, let document = FakeDocument.at(document),
                let text = document.nodes[Int(node)].value as? String
            else { return pb_str() }
            return document.keep(text)
        }
        table.write_string = { _, text, sink in
            withText("\"" + text.text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"") {
                sink!.pointee.write(sink, $0)
            }
        }
        return Table(table)
    }()
}
