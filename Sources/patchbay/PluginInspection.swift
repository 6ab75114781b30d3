import PatchbayCore
import PatchbayHost

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What can be said of a plugin file without running its code.
struct PluginInspection {
    let text: String

    struct Failure: Error {
        var sentence: String
    }

    init(path: String) throws(Failure) {
        let bytes = try Self.read(path)
        do throws(PluginRefusal) {
            let preflight = try Self.preflight(bytes)
            let manifest = preflight.manifest
            var lines = [
                "id\t\(manifest.id)", "version\t\(manifest.version)", "name\t\(manifest.name)",
                "kinds\t\(manifest.kinds.map(\.rawValue).sorted().joined(separator: ", "))",
                "entry\t\(preflight.entry)",
            ]
            if let license = manifest.license { lines.append("license\t\(license)") }
            if !manifest.formats.isEmpty {
                lines.append("formats\t\(manifest.formats.map(\.id.rawValue).joined(separator: ", "))")
            }
            if !manifest.speaks.isEmpty {
                lines.append("speaks\t\(manifest.speaks.map(\.rawValue).joined(separator: ", "))")
            }
            if !manifest.operations.isEmpty {
                lines.append("operations\t\(manifest.operations.map(\.name).joined(separator: ", "))")
            }
            if !manifest.permissions.isEmpty {
                lines.append("permissions\t\(manifest.permissions.joined(separator: ", "))")
            }
            text = lines.joined(separator: "\n")
        } catch {
            throw Failure(sentence: error.sentence)
        }
    }

    private static func preflight(_ bytes: [UInt8]) throws(PluginRefusal) -> ImagePreflight {
        let result: Result<ImagePreflight, PluginRefusal> = bytes.withUnsafeBytes { bytes in
            do throws(PluginRefusal) {
                return .success(try ImagePreflight(of: bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func read(_ path: String) throws(Failure) -> [UInt8] {
        guard let file = fopen(path, "rb") else {
            throw Failure(sentence: "the file cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= 256 << 20 else { throw Failure(sentence: "the file is larger than 256 MiB") }
        }
    }
}
