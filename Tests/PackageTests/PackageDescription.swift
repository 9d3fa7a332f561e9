import FoundationEssentials

/// The parts of `swift package dump-package` that the rules are about.
struct PackageDescription: Decodable {
    struct Target: Decodable {
        let name: String
        /// `regular`, `executable`, `system`, `test`, …
        let type: String
        let dependencies: [Dependency]
        /// Nil for the usual folder.
        let path: String?
    }

    /// One dependency: another target of the package, or a product of a library.
    struct Dependency: Decodable, Hashable {
        let name: String
        /// Nil for a target of this package.
        let package: String?

        private enum Kind: String, CodingKey {
            case byName, target, product
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Kind.self)
            let kind = container.contains(.product) ? Kind.product : container.contains(.target) ? .target : .byName
            // An array of mixed things: the name first; a product's package second.
            var parts = try container.nestedUnkeyedContainer(forKey: kind)
            name = try parts.decode(String.self)
            package = kind == .product ? try parts.decode(String.self) : nil
        }
    }

    let targets: [Target]

    /// What the rules are about: tests may see what they like.
    var ruledTargets: [Target] { targets.filter { $0.type != "test" } }

    /// Describes the package in the folder. It has its own scratch folder: that of the running `swift test` is locked.
    static func load(folder: String) throws -> PackageDescription {
        let scratch = try TemporaryFolder()
        defer { scratch.remove() }
        let output = try runProgram([
            "swift", "package", "--package-path", folder, "--scratch-path", scratch.path, "dump-package",
        ])
        return try JSONDecoder().decode(Self.self, from: Data(output))
    }
}
