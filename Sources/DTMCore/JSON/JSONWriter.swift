/// Writes JSON for people: members in the order given, two spaces a level, arrays of scalars on one line.
package enum JSONWriter {
    /// What is written in place of a hidden string.
    package static let mask = "********"

    /// Several lines, without a line feed at the end.
    package static func pretty(_ node: JSONNode, indentation: Int = 0) -> String {
        let margin = String(repeating: " ", count: indentation)
        let inner = indentation + 2
        switch node.kind {
        case .object(let members) where !members.isEmpty:
            let lines = members.map { "\(margin)  \(quoted($0.name)): \(pretty($0.value, indentation: inner))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(margin)}"
        case .array(let elements) where elements.contains(where: \.isContainer):
            let lines = elements.map { "\(margin)  \(pretty($0, indentation: inner))" }
            return "[\n\(lines.joined(separator: ",\n"))\n\(margin)]"
        default: return compact(node)
        }
    }

    /// One line.
    package static func compact(_ node: JSONNode) -> String {
        switch node.kind {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let number): number.text
        case .string(let text): quoted(text)
        case .hidden: quoted(mask)
        case .array(let elements): "[\(elements.map(compact).joined(separator: ", "))]"
        case .object(let members):
            "{\(members.map { "\(quoted($0.name)): \(compact($0.value))" }.joined(separator: ", "))}"
        }
    }

    /// A JSON string. Whatever a terminal might act on, or a reader not see, is escaped.
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                if isVisible(scalar) { result.unicodeScalars.append(scalar) } else { result += escaped(scalar) }
            }
        }
        return result + "\""
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return (0x20..<0x7f).contains(scalar.value) }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: return false
        default: return true
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        Character(scalar).utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        }.joined()
    }
}

extension JSONNode {
    fileprivate var isContainer: Bool {
        switch kind {
        case .object, .array: true
        default: false
        }
    }
}
