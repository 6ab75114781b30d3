import ArgumentParser
import PatchbayCore
import PatchbayHost

/// `patchbay plugin conversions`: what is lost between the wire formats, as the tables of docs/wire-formats.md.
struct ConversionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conversions", abstract: "Show what conversions between the wire formats carry and lose.",
        discussion: "The tables are Markdown; they come from asking the codecs, so third-party formats are in them.")

    @OptionGroup var options: PluginOptions

    func run() async throws {
        let matrix = try await options.withRegistry { registry in
            // The other operations have one format each: nothing is converted.
            let codecs = registry.formats.compactMap { registry.codec(for: $0) }
            return ConversionMatrix(codecs.filter { $0.operations.contains(.generate) })
        }
        print(ConversionTables(matrix).text)
    }
}

/// A matrix as Markdown.
struct ConversionTables {
    let matrix: ConversionMatrix

    init(_ matrix: ConversionMatrix) { self.matrix = matrix }

    var text: String {
        ["### Requests", table(matrix.requests), "### Answers", table(matrix.answers), "### Pairs", pairs]
            .joined(separator: "\n\n")
    }

    private func table(_ rows: [ConversionMatrix.Row]) -> String {
        let head = "| | " + matrix.formats.map { "`\($0)`" }.joined(separator: " | ") + " |"
        let rule = "|---|" + matrix.formats.map { _ in "---|" }.joined()
        let lines = rows.map { row in
            "| \(row.feature) | " + row.fates.map(\.word).joined(separator: " | ") + " |"
        }
        return ([head, rule] + lines).joined(separator: "\n")
    }

    private var pairs: String {
        var lines = ["| client | upstream | what is lost |", "|---|---|---|"]
        for client in matrix.formats {
            for upstream in matrix.formats where upstream != client {
                let losses = matrix.losses(from: client, to: upstream)
                let grouped = Dictionary(grouping: losses, by: \.fate.word)
                let words = ["refused", "fatal", "semantic", "degrade", "info"].compactMap { word in
                    grouped[word].map { items in "**\(word)**: " + items.map(\.feature).joined(separator: ", ") }
                }
                let text = words.isEmpty ? "nothing" : words.joined(separator: "; ")
                lines.append("| `\(client)` | `\(upstream)` | \(text) |")
            }
        }
        return lines.joined(separator: "\n")
    }
}
