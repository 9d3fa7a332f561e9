import DTMCore

/// Where a value is, as people write it: `tunnels[2].portRange`. Empty for the whole file.
struct ConfigurationPath: Hashable, Sendable, CustomStringConvertible {
    static let root = Self(description: "")

    let description: String

    private init(description: String) { self.description = description }

    init(_ section: String, _ key: String) { self = Self.root.key(section).key(key) }

    /// A member. A name that no key could have is quoted, so that it can't be mistaken for a path or act on a terminal.
    func key(_ name: String) -> Self {
        guard Self.isPlain(name) else {
            return Self(description: "\(description)[\(ProblemText.shortened(JSONWriter.quoted(name)))]")
        }
        return Self(description: description.isEmpty ? name : "\(description).\(name)")
    }

    /// An element of an array.
    func index(_ index: Int) -> Self { Self(description: "\(description)[\(index)]") }

    private static func isPlain(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                JSONParser.isDigit(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "$")
            }
    }
}

/// Values as messages show them.
enum ProblemText {
    static let maximumLength = 80

    /// One line of JSON, shortened. A string that looks like a provider's key is masked, wherever it stands.
    static func value(_ node: JSONNode) -> String { shortened(JSONWriter.compact(masking(node))) }

    static func shortened(_ text: String) -> String {
        text.count <= maximumLength ? text : text.prefix(maximumLength - 1) + "…"
    }

    private static func masking(_ node: JSONNode) -> JSONNode {
        switch node.kind {
        case .string(let text) where text.hasPrefix("sk-"): .string(JSONWriter.mask)
        case .array(let elements): .array(elements.map(masking))
        case .object(let members): .object(members.map { ($0.name, masking($0.value)) })
        default: node
        }
    }
}
