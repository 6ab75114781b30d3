// patchbay-manifest-gen --module NAME --output FILE plugin.json
//
// Checks a manifest and writes the Swift file (or, if FILE ends in .h, the C header) that carries it. Problems go to
// the standard error output in the form that build systems show beside the line, and the exit code is 1.

import Foundation

var module = ""
var output = ""
var input = ""
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
    switch argument {
    case "--module": module = arguments.popFirst() ?? ""
    case "--output": output = arguments.popFirst() ?? ""
    default: input = argument
    }
}

func fail(_ lines: [String]) -> Never {
    FileHandle.standardError.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    exit(1)
}

guard !input.isEmpty, !output.isEmpty, !module.isEmpty else {
    fail(["usage: patchbay-manifest-gen --module NAME --output FILE plugin.json"])
}
guard let data = FileManager.default.contents(atPath: input) else {
    fail(["\(input): error: The file cannot be read."])
}

let bytes = [UInt8](data)
do {
    let manifest = try ManifestCheck.read(bytes, module: module)
    let text = output.hasSuffix(".h") ? HeaderFile.text(for: manifest) : EntryFile.text(for: manifest)
    try Data(text.utf8).write(to: URL(filePath: output))
} catch let problems as Problems {
    fail(
        problems.list.map { problem in
            let before = bytes.prefix(problem.offset)
            let line = before.count { $0 == 0x0A } + 1
            let column = before.reversed().prefix { $0 != 0x0A }.count + 1
            return "\(input):\(line):\(column): error: \(problem.sentence)"
        })
} catch {
    fail(["\(output): error: The file cannot be written: \(error.localizedDescription)"])
}
