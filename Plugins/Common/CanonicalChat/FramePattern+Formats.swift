package import PatchbayPlugin
package import PatchbayWire

extension FramePattern {
    /// Frames that mean nothing to accounting, whatever their texts say.
    ///
    /// - Returns: nil unless `data` is an object with one to ``maximumHoles`` places that vary.
    package init?(passing data: UnsafeRawBufferPointer, _ names: JSONHoles) {
        guard let holes = names.find(in: data), !holes.isEmpty, holes.count <= FramePattern.maximumHoles else {
            return nil
        }
        self.init(holes: holes.map { Hole($0.isString ? .string : .digits, $0.range) })
    }
}

extension FramePattern.Hole {
    /// The inside of a string of `tape`.
    package init(_ kind: FramePattern.Kind, _ tape: borrowing JSONTape, _ string: JSONIndex) {
        self.init(kind, tape.stringSpan(string).range)
    }
}

extension FrameSides {
    /// Stands for the text while a frame is written of which only the rest is wanted. No name or id has it in it.
    package static let marker = "\u{2063}patchbay\u{2063}text\u{2063}"

    /// What stands around the marker.
    ///
    /// - Returns: nil unless the marker is there exactly once, as the inside of a string.
    package init?(around output: [UInt8]) {
        let mark = Array(FrameSides.marker.utf8)
        var found: Int?
        for start in output.indices where output[start] == mark[0] && output[start...].starts(with: mark) {
            guard found == nil else { return nil }
            found = start
        }
        let quote = UInt8(ascii: "\"")
        guard let start = found, start > 0, output[start - 1] == quote, start + mark.count < output.count,
            output[start + mark.count] == quote
        else { return nil }
        self.init(before: Array(output[..<start]), behind: Array(output[(start + mark.count)...]))
    }
}
