import DTMAPI

/// Any JSON, to look at names and types as a script sees them.
enum JSONValue: Decodable, Equatable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(_ text: some StringProtocol) throws { self = try APIJSON.decode(JSONValue.self, from: text.utf8) }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// The member of an object; nil when this is none or has no such member.
    subscript(_ name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    subscript(_ index: Int) -> JSONValue? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }

    /// `null`, `boolean`, `number`, `string`, `array` or `object`.
    var type: String {
        switch self {
        case .null: "null"
        case .boolean: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// What of a contract this does not keep: a line for each name that is missing or of another type. A type with a
    /// question mark may be null.
    func breaches(of contract: [String: String]) -> [String] {
        contract.sorted { $0.key < $1.key }.compactMap { path, wanted in
            let found = path.split(separator: ".").reduce(Optional(self)) { $0?[String($1)] }
            guard let found else { return "\(path) is missing" }
            if wanted.hasSuffix("?"), found == .null { return nil }
            return found.type == wanted.filter { $0 != "?" } ? nil : "\(path) is \(found.type), not \(wanted)"
        }
    }
}
