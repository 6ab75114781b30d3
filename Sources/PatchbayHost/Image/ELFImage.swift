/// What the host wants to know about a shared library, read from its bytes without running anything.
package struct ELFImage: Sendable, Hashable {
    package var machine: UInt16
    /// Global defined functions whose names begin with `patchbay_entry_v1`.
    package var entries: [String] = []
    /// Entry functions of other ABI majors, such as `patchbay_entry_v2`.
    package var otherEntries: [String] = []
    /// Content of the section `.patchbay.manifest` without trailing NULs.
    package var manifest: [UInt8]?
    /// Libraries that the image asks for.
    package var needed: [String] = []
    package var hasTextRelocations = false
    /// So many bytes from the beginning of the file are mapped when it is loaded; names for debuggers come behind them.
    package private(set) var loadedBytes = 0

    static let manifestLimit: UInt64 = 262_144
    private static let symbolLimit: UInt64 = 1 << 20
    private static let sectionLimit = 4096
    private static let dynamicLimit = 4096

    /// Reads an image. Never runs code from it, never reads outside of `bytes`.
    ///
    /// - Throws: ``PluginRefusal`` with what is wrong with the image as such. Whether it is a plugin of this host is
    ///   judged by ``ImagePreflight``.
    package init(reading bytes: UnsafeRawBufferPointer) throws(PluginRefusal) {
        let reader = ELFReader(bytes: bytes)
        machine = try Self.checkHeader(reader)
        loadedBytes = try Self.checkSegments(reader)
        let sections = try Self.readSections(reader)
        let names = try Self.sectionNames(reader, sections)
        for section in sections {
            switch section.kind {
            case ELF.dynamicSymbols:
                try readSymbols(reader, section, sections)
            case ELF.dynamicSection:
                try readDynamic(reader, section, sections)
            default:
                if section.kind != ELF.noBitsSection,
                    ELFReader.text(in: names, at: UInt64(section.name), limit: 64) == ".patchbay.manifest"
                {
                    try readManifest(reader, section)
                }
            }
        }
    }

    // MARK: - Header and segments

    private static func checkHeader(_ reader: ELFReader) throws(PluginRefusal) -> UInt16 {
        guard reader.count >= 4, try reader.word(at: 0) == 0x464c_457f else {
            throw PluginRefusal(.notELF, "The file is not an ELF image.")
        }
        guard reader.count >= 64 else {
            throw PluginRefusal(.malformedImage, "The file ends inside of its ELF header.")
        }
        guard try reader.byte(at: 4) == 2 else {
            let machine = ELF.machineName(try reader.half(at: 18))
            throw PluginRefusal(
                .wrongArchitecture,
                "The file is built for 32 bits (\(machine)); this host is \(ELF.machineName(ELF.hostMachine)).")
        }
        guard try reader.byte(at: 5) == 1 else {
            throw PluginRefusal(
                .wrongArchitecture, "The file is built for a big-endian machine; plugins are little-endian.")
        }
        let machine = try reader.half(at: 18)
        guard machine == ELF.hostMachine else {
            throw PluginRefusal(
                .wrongArchitecture,
                "The file is built for \(ELF.machineName(machine)); this host is \(ELF.machineName(ELF.hostMachine)).")
        }
        guard try reader.half(at: 16) == ELF.sharedObject else {
            throw PluginRefusal(.notSharedLibrary, "The file is an ELF image but not a shared library.")
        }
        return machine
    }

    /// The loader maps segments without looking at the file size and dies of SIGBUS when the file is too short.
    ///
    /// - Returns: where the last of what the loader reads ends.
    private static func checkSegments(_ reader: ELFReader) throws(PluginRefusal) -> Int {
        let offset = try reader.long(at: 32)
        let size = try reader.half(at: 54)
        let count = try reader.half(at: 56)
        guard count > 0, count <= 512, size == 56 else {
            throw PluginRefusal(.malformedImage, "The program header table of the ELF image is not valid.")
        }
        _ = try reader.slice(offset: offset, size: UInt64(count) * 56)
        var end = offset + UInt64(count) * 56
        for index in 0..<UInt64(count) {
            let header = offset + index * 56
            let isLoaded = try reader.word(at: header) == ELF.loadSegment
            let (start, size) = (try reader.long(at: header + 8), try reader.long(at: header + 32))
            do {
                _ = try reader.slice(offset: start, size: size)
                end = max(end, start + size)
            } catch {
                guard isLoaded else { continue }
                throw PluginRefusal(.malformedImage, "The file is cut off: a segment reaches beyond its end.")
            }
        }
        return Int(end)
    }

    // MARK: - Sections

    private struct Section {
        var name: UInt32
        var kind: UInt32
        var offset: UInt64
        var size: UInt64
        var link: UInt32
    }

    private static func readSections(_ reader: ELFReader) throws(PluginRefusal) -> [Section] {
        let offset = try reader.long(at: 40)
        let size = try reader.half(at: 58)
        let count = Int(try reader.half(at: 60))
        guard offset != 0, count > 0 else {
            throw PluginRefusal(
                .malformedImage, "The ELF image has no section headers, so its manifest cannot be read.")
        }
        guard size == 64, count <= sectionLimit else {
            throw PluginRefusal(.malformedImage, "The section header table of the ELF image is not valid.")
        }
        _ = try reader.slice(offset: offset, size: UInt64(count) * 64)
        var sections: [Section] = []
        sections.reserveCapacity(count)
        for index in 0..<UInt64(count) {
            let header = offset + index * 64
            sections.append(
                Section(
                    name: try reader.word(at: header), kind: try reader.word(at: header + 4),
                    offset: try reader.long(at: header + 24), size: try reader.long(at: header + 32),
                    link: try reader.word(at: header + 40)))
        }
        return sections
    }

    private static func sectionNames(
        _ reader: ELFReader, _ sections: [Section]
    ) throws(PluginRefusal) -> UnsafeRawBufferPointer {
        let index = Int(try reader.half(at: 62))
        guard index < sections.count, sections[index].kind != ELF.noBitsSection else {
            throw PluginRefusal(.malformedImage, "The ELF image has no table of section names.")
        }
        return try reader.slice(offset: sections[index].offset, size: sections[index].size)
    }

    private static func strings(
        of section: Section, _ reader: ELFReader, _ sections: [Section]
    ) throws(PluginRefusal) -> UnsafeRawBufferPointer {
        guard section.link < UInt32(sections.count) else {
            throw PluginRefusal(.malformedImage, "A table of the ELF image has no table of names.")
        }
        let table = sections[Int(section.link)]
        return try reader.slice(offset: table.offset, size: table.size)
    }

    // MARK: - Content

    private mutating func readManifest(_ reader: ELFReader, _ section: Section) throws(PluginRefusal) {
        guard section.size <= Self.manifestLimit else {
            throw PluginRefusal(
                .manifestInvalid,
                "The manifest has \(section.size) bytes; at most \(Self.manifestLimit) are allowed.")
        }
        let content = try reader.slice(offset: section.offset, size: section.size)
        manifest = Self.trimmed(content)
    }

    /// Compilers and linkers pad the section with NULs.
    static func trimmed(_ content: UnsafeRawBufferPointer) -> [UInt8] {
        var end = content.count
        while end > 0, content[end - 1] == 0 || content[end - 1] == 0x0a || content[end - 1] == 0x20 { end -= 1 }
        return [UInt8](content[..<end])
    }

    private mutating func readSymbols(
        _ reader: ELFReader, _ section: Section, _ sections: [Section]
    ) throws(PluginRefusal) {
        let table = try reader.slice(offset: section.offset, size: section.size)
        let names = try Self.strings(of: section, reader, sections)
        let count = min(UInt64(table.count) / 24, Self.symbolLimit)
        let symbols = ELFReader(bytes: table)
        for index in 0..<count {
            let symbol = index * 24
            let name = UInt64(try symbols.word(at: symbol))
            guard ELFReader.hasPrefix("patchbay_entry_v", in: names, at: name) else { continue }
            // Some linkers leave local symbols in the dynamic table; only GLOBAL (1) and WEAK (2) are exports.
            let binding = try symbols.byte(at: symbol + 4) >> 4
            let isDefined = try symbols.half(at: symbol + 6) != 0
            guard binding == 1 || binding == 2, isDefined else { continue }
            guard let text = ELFReader.text(in: names, at: name, limit: 256) else { continue }
            if Self.isEntry(text, major: 1) { entries.append(text) } else { otherEntries.append(text) }
        }
    }

    /// `patchbay_entry_v1` and `patchbay_entry_v1__x`, but not `patchbay_entry_v10`.
    private static func isEntry(_ name: String, major: Int) -> Bool {
        let rest = name.dropFirst("patchbay_entry_v".count)
        return rest.prefix { $0.isASCII && $0.isNumber } == String(major)
    }

    private mutating func readDynamic(
        _ reader: ELFReader, _ section: Section, _ sections: [Section]
    ) throws(PluginRefusal) {
        let table = ELFReader(bytes: try reader.slice(offset: section.offset, size: section.size))
        let names = try Self.strings(of: section, reader, sections)
        for index in 0..<min(table.count / 16, UInt64(Self.dynamicLimit)) {
            let value = try table.long(at: index * 16 + 8)
            switch try table.long(at: index * 16) {
            case 0: return
            case ELF.neededTag: needed.append(ELFReader.text(in: names, at: value) ?? "?")
            case ELF.textRelocationTag: hasTextRelocations = true
            case ELF.flagsTag: if value & ELF.textRelocationFlag != 0 { hasTextRelocations = true }
            default: break
            }
        }
    }
}
