import Testing

/// The rules of `docs/architecture.md` on who may import whom, held against the package as it is.
struct ModuleEdgeTests {
    let table: EdgeTable
    let package: PackageDescription

    init() throws {
        let document = try contents(of: "\(packageFolder)/docs/architecture.md")
        table = try EdgeTable(document: String(decoding: document, as: UTF8.self))
        package = try PackageDescription.load(folder: packageFolder)
    }

    @Test func `Every edge between targets, and to libraries, stands in the table of docs/architecture.md`() {
        #expect(table.violations(in: package) == [])
    }

    @Test func `No source file imports a target of the package that its own does not declare`() throws {
        let names = Set(package.ruledTargets.map(\.name))
        for target in package.ruledTargets where target.type != "system" {
            let declared = Set(target.dependencies.map(\.name))
            for file in try swiftFiles(below: "\(packageFolder)/\(target.path ?? "Sources/\(target.name)")") {
                let hidden = try importedModules(in: file).intersection(names).subtracting(declared)
                #expect(hidden == [], "\(file)")
            }
        }
    }

    @Test func `A stage of the pipeline imports no other stage`() {
        let stages: Set = [
            "DTMDiscovery", "DTMPolicy", "DTMTunnel", "DTMTelemetry", "DTMConfiguration", "DTMCertificates",
            "DTMAnalysis", "DTMModels",
        ]
        for target in package.ruledTargets where stages.contains(target.name) {
            #expect(stages.intersection(target.dependencies.map(\.name)) == [], "\(target.name)")
        }
    }

    private func importedModules(in file: String) throws -> Set<String> {
        let lines = String(decoding: try contents(of: file), as: UTF8.self).split(separator: "\n")
        return Set(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard let index = words.firstIndex(of: "import"), index <= 2, index + 1 < words.count else {
                    return nil
                }
                return String(words[index + 1])
            })
    }
}
